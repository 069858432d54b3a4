using System.Collections.Immutable;
using System.Diagnostics;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class VaultTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_put_comes_back_whole_in_another_process_lifetime()
    {
        var token = TestFolder.NewToken() + "\"\\é€";
        using (var vault = _folder.Vault())
        using (var credential = TestFolder.Credential("github", token, DateTimeOffset.UnixEpoch.AddYears(100)) with { Scopes = ["repo", "read:org"], Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("source", "test") })
            vault.Put(credential);

        using var again = _folder.Vault();
        using var read = again.Get("github")!;
        Assert.Equal(token, TestFolder.Text(read.Token));
        Assert.Equal(["repo", "read:org"], read.Scopes);
        Assert.Equal("test", read.Metadata["source"]);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddYears(100), read.ExpiresAt);
        Assert.Equal(["github"], again.List());
        Assert.Null(again.Get("openai"));
    }

    [Fact]
    public void Parts_bindings_and_scope_come_back_too_and_a_part_is_no_text_in_the_file()
    {
        var (token, part) = (TestFolder.NewToken(), TestFolder.NewToken());
        using var vault = _folder.Vault();
        InjectionBinding[] bindings = [new("r.example", "Authorization", InjectionSlot.BasicPassword, "u", 8443) { Part = "second", Method = "GET", Path = "/x/**", Scheme = "http" }, new("q.example", "k", InjectionSlot.Query)];
        using (var credential = TestFolder.Credential("github", token) with { Parts = ImmutableSortedDictionary<string, Secret>.Empty.Add("second", Secret.FromText(part)), Bindings = [.. bindings], Allow = ["read-only"] })
            vault.Put(credential);
        using var read = vault.Get("github")!;
        Assert.Equal(part, TestFolder.Text(read.Parts["second"]));
        Assert.Equal(bindings, read.Bindings);
        Assert.Equal(["read-only"], read.Allow);
        Assert.Equal(-1, File.ReadAllBytes(CredPath("github")).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(part)));
        read.Dispose();
        Assert.Throws<ObjectDisposedException>(() => read.Parts["second"].Reveal());
    }

    [Fact]
    public void Files_are_for_the_owner_alone()
    {
        Put("github");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(CredPath("github")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File("encryption.key")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder.Credentials));
    }

    [Fact]
    public void A_file_moved_to_another_provider_does_not_open()
    {
        Put("github");
        File.Copy(CredPath("github"), CredPath("openai"));
        using var vault = _folder.Vault();
        var error = Assert.Throws<MoatException>(() => vault.Get("openai"));
        Assert.Contains("does not open", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_associated_data_binds_provider_and_profile_unambiguously()
    {
        // The payload names its provider too; the seal must not lean on that.
        (string, string)[] places = [("a", ""), ("a", "b"), ("b", "a"), ("ab", ""), ("b", "")];
        Assert.Equal(places.Length, places.Select(place => Convert.ToHexString(CredentialFormat.AssociatedData(place.Item1, place.Item2))).Distinct().Count());
    }

    [Fact]
    public void A_file_moved_to_another_profile_does_not_open_and_profiles_do_not_fall_back()
    {
        Put("github");
        Put("openai", "work");
        using var work = _folder.Vault("work");
        Assert.Null(work.Get("github"));
        Assert.Equal(["openai"], work.List());
        File.Copy(CredPath("github"), Path.Combine(_folder.Credentials, "profiles", "work", "github.cred"));
        Assert.Throws<MoatException>(() => work.Get("github"));
        using var home = _folder.Vault();
        Assert.Equal(["github"], home.List());
    }

    [Fact]
    public void Any_flipped_bit_and_any_cut_is_noticed()
    {
        Put("github");
        var good = File.ReadAllBytes(CredPath("github"));
        using var vault = _folder.Vault();
        for (var at = 0; at < good.Length; at++)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(CredPath("github"), bad);
            Assert.Throws<MoatException>(() => vault.Get("github"));
            File.WriteAllBytes(CredPath("github"), good[..at]);
            Assert.Throws<MoatException>(() => vault.Get("github"));
        }
        File.WriteAllBytes(CredPath("github"), good);
        using var credential = vault.Get("github");
        Assert.NotNull(credential);
    }

    [Theory]
    [InlineData("credentials/github.cred", "chmod 600")]
    [InlineData("encryption.key", "chmod 600")]
    [InlineData("encryption.backend", "chmod 600")]
    [InlineData("credentials", "chmod 700")]
    public void A_mode_that_lets_others_in_is_refused_with_its_mend(string name, string mend)
    {
        Put("github");
        File.SetUnixFileMode(_folder.File(name), File.GetUnixFileMode(_folder.File(name)) | UnixFileMode.GroupRead);
        using var vault = _folder.Vault();
        var error = Assert.Throws<MoatException>(() => vault.Get("github"));
        Assert.StartsWith(mend, error.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_owner_is_refused()
    {
        Put("github");
        // Only root can give a file away; for anybody else such a file cannot come to be here, so a foreign one is read.
        if (Environment.IsPrivilegedProcess)
        {
            using var chown = Process.Start("chown", ["12345", CredPath("github")]);
            chown.WaitForExit();
            using var vault = _folder.Vault();
            var error = Assert.Throws<MoatException>(() => vault.Get("github"));
            Assert.Contains("12345", error.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Throws<MoatException>(() => PrivateFiles.Read("/etc/passwd"));
        }
    }

    [Fact]
    public void A_symbolic_link_in_place_of_a_credential_is_refused()
    {
        Put("github");
        File.Move(CredPath("github"), _folder.File("elsewhere"));
        File.CreateSymbolicLink(CredPath("github"), _folder.File("elsewhere"));
        using var vault = _folder.Vault();
        Assert.Throws<MoatException>(() => vault.Get("github"));
    }

    [Fact]
    public void What_a_crash_in_the_middle_of_a_write_left_is_ignored_and_then_removed()
    {
        var token = Put("github");
        var leftover = Path.Combine(_folder.Credentials, ".vault-write-0123456789abcdef");
        File.WriteAllText(leftover, "half a file");
        using var vault = _folder.Vault();
        Assert.Equal(["github"], vault.List());
        using (var credential = vault.Get("github")) Assert.Equal(token, TestFolder.Text(credential!.Token));
        Put("openai");
        Assert.False(File.Exists(leftover));
    }

    [Theory]
    [InlineData("../github")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    public void A_name_that_is_a_path_is_refused(string name)
    {
        using var vault = _folder.Vault();
        Assert.Throws<MoatException>(() => vault.Get(name));
        Assert.Throws<MoatException>(() => vault.Remove(name));
        Assert.Throws<MoatException>(() => vault.Version(name));
        using var credential = TestFolder.Credential(name, "12345678");
        Assert.Throws<MoatException>(() => vault.Put(credential));
        if (name.Length > 0) Assert.Throws<MoatException>(() => _folder.Vault(name));
    }

    [Fact]
    public async Task Many_vaults_at_once_make_one_key_and_lose_no_write()
    {
        var names = Enumerable.Range(0, 16).Select(i => $"p{i}").ToArray();
        await Task.WhenAll(names.Select(name => Task.Run(() => Put(name), TestContext.Current.CancellationToken)));
        using var vault = _folder.Vault();
        Assert.Equal(names.Order(StringComparer.Ordinal), vault.List());
        foreach (var name in names)
        {
            using var credential = vault.Get(name);
            Assert.NotNull(credential);
        }
    }

    [Fact]
    public void A_lost_key_is_an_error_and_never_a_second_key()
    {
        Put("github");
        File.Delete(_folder.File("encryption.key"));
        File.Delete(_folder.File("encryption.backend"));
        Assert.Throws<MoatException>(() => Put("openai"));
        Assert.False(File.Exists(_folder.File("encryption.key")));
    }

    [Fact]
    public void A_crash_between_the_key_and_its_record_is_mended_by_the_next_write()
    {
        var token = Put("github");
        File.Delete(_folder.File("encryption.backend"));
        using (var vault = _folder.Vault())
        using (var credential = vault.Get("github"))
            Assert.Equal(token, TestFolder.Text(credential!.Token));
        Put("openai");
        Assert.StartsWith("moat-key 1 file ", File.ReadAllText(_folder.File("encryption.backend")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_changes_with_each_put_and_ends_with_the_removal()
    {
        using var vault = _folder.Vault();
        Assert.Null(vault.Version("github"));
        Put("github");
        var first = vault.Version("github");
        Assert.Equal(first, vault.Version("github"));
        Put("github");
        Assert.NotEqual(first, vault.Version("github"));
        Assert.True(vault.Remove("github"));
        Assert.False(vault.Remove("github"));
        Assert.Null(vault.Version("github"));
    }

    private string Put(string provider, string profile = "")
    {
        var token = TestFolder.NewToken();
        using var vault = _folder.Vault(profile);
        using var credential = TestFolder.Credential(provider, token);
        vault.Put(credential);
        return token;
    }

    private string CredPath(string provider) => Path.Combine(_folder.Credentials, provider + ".cred");
}
