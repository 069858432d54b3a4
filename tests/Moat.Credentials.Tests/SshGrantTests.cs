using System.Diagnostics;
using System.Text;
using CsCheck;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials.Tests;

/// <summary>The grants ssh:HOST as they are stored; keys are made by ssh-keygen.</summary>
public sealed class SshGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("ed25519", 0, 0u)]
    [InlineData("ecdsa", 256, 0u)]
    [InlineData("ecdsa", 384, 0u)]
    [InlineData("ecdsa", 521, 0u)]
    [InlineData("rsa", 2048, SshAlgorithms.AgentRsaSha256)]
    [InlineData("rsa", 3072, SshAlgorithms.AgentRsaSha512)]
    public async Task A_key_file_is_taken_into_the_vault_and_signs(string type, int bits, uint flags)
    {
        var (path, host) = (await KeyAsync("key", type, bits), await KeyAsync("host", "ed25519"));
        using var vault = _folder.Vault();
        await Service(vault).GrantAsync(new GrantRequest("ssh") { Host = "git.moat.test", Key = path, HostKeys = [File.ReadAllText(host + ".pub")] }, Ct);
        File.Delete(path);
        using var grant = Unlock(vault);
        var access = SshAccess.Of(grant)!;
        Assert.Equal(SshPublicKey.Parse(File.ReadAllText(path + ".pub")), access.Key);
        Assert.Equal((await ToolAsync("ssh-keygen", "-lf", path + ".pub")).Split(' ')[1], access.Key.Fingerprint);
        Assert.False(access.IsAgentBacked || access.SignsCommits);
        var data = Encoding.UTF8.GetBytes("data");
        Assert.True(access.Key.Verify(await access.SignAsync(grant, null, data, flags, null, Ct), data));

        var details = Service(vault).Show("ssh:git.moat.test");
        Assert.Equal(["git.moat.test:22"], details.Info.Hosts);
        Assert.Contains(access.Key.Fingerprint, details.MaskedToken, StringComparison.Ordinal);
        var rule = Assert.Single(GrantRules.For([new GrantSpec("ssh:git.moat.test")], ProviderCatalog.Load(null), vault));
        Assert.Equal(("git.moat.test", 22, "grant ssh:git.moat.test"), (rule.Host, rule.Port, rule.Origin));
    }

    [Fact]
    public async Task The_known_hosts_of_the_person_are_pinned_hashed_or_not_less_the_revoked()
    {
        var (path, first, second, bad) = (await KeyAsync("key", "ed25519"), await KeyAsync("h1", "ed25519"), await KeyAsync("h2", "ecdsa", 256), await KeyAsync("h3", "ed25519"));
        string Line(string key) => string.Join(' ', File.ReadAllText(key + ".pub").Split(' ')[..2]);
        var known = _folder.Write(".ssh/known_hosts", $"git.moat.test {Line(first)}\n");
        await ToolAsync("ssh-keygen", "-q", "-H", "-f", known);
        File.AppendAllText(known, $"*.moat.test {Line(second)}\ngit.moat.test {Line(bad)}\n@revoked * {Line(bad)}\n@cert-authority *.moat.test {Line(bad)}\nelsewhere.test {Line(path)}\n");
        using var vault = _folder.Vault();
        await Service(vault, ("HOME", _folder.Path)).GrantAsync(new GrantRequest("ssh:git.moat.test") { Key = path }, Ct);
        using var grant = Unlock(vault);
        Assert.Equal([SshPublicKey.Parse(Line(first))!, SshPublicKey.Parse(Line(second))!], SshAccess.Of(grant)!.HostKeys);
    }

    [Fact]
    public async Task A_host_that_nobody_knows_is_not_trusted_on_first_use()
    {
        using var vault = _folder.Vault();
        var error = await Assert.ThrowsAsync<MoatException>(() => Service(vault, ("HOME", _folder.Path)).GrantAsync(new GrantRequest("ssh:git.moat.test") { Key = "unused" }, Ct));
        Assert.Contains("is not trusted", error.Message, StringComparison.Ordinal);
        Assert.Empty(vault.List());
    }

    [Fact]
    public async Task A_damaged_key_file_is_refused_and_no_text_holds_it()
    {
        var path = await KeyAsync("key", "ed25519");
        var pem = await File.ReadAllBytesAsync(path, Ct);
        var body = pem.AsSpan().IndexOf((byte)'\n') + 1;
        Gen.Select(Gen.Int[body, pem.Length - 40], Gen.Int[0, 3]).Sample((at, which) =>
        {
            var value = "Az!="u8[which];
            var bent = pem.ToArray();
            if (bent[at] == value) return;
            bent[at] = value;
            try
            {
                var (key, section) = OpenSshKeyFile.Parse(bent, "key");
                // Only the comment, the check number or the padding were bent: the key is whole.
                using (section) Assert.True(SshPrivateKey.Fits(section, key));
            }
            catch (MoatException ex)
            {
                Assert.DoesNotContain(Encoding.ASCII.GetString(bent, body, 40), ex.Message + ex.Mend, StringComparison.Ordinal);
            }
        }, iter: 200, threads: 1);
        for (var length = 0; length < pem.Length - 40; length += 7) Assert.Throws<MoatException>(() => OpenSshKeyFile.Parse(pem.AsSpan(0, length), "key"));
    }

    [Theory]
    [InlineData("ssh:")]
    [InlineData("ssh:*.moat.test")]
    [InlineData("ssh:git.moat.test:2222")]
    [InlineData("ssh:GIT.moat.test")]
    [InlineData("ssh:git.moat.test/x")]
    public void A_name_that_is_no_single_host_is_no_grant(string name)
        => Assert.Throws<MoatException>(() => ProviderCatalog.Load(null).Find(name));

    [Fact]
    public void A_scope_is_refused_rather_than_ignored()
    {
        using var vault = _folder.Vault();
        var error = Assert.Throws<MoatException>(() => GrantScope.Parse(ProviderCatalog.Load(null).Get("ssh:git.moat.test"), ["GET /**"]));
        Assert.Contains("no requests", error.Message, StringComparison.Ordinal);
    }

    private static GrantService Service(Vault vault, params (string Name, string Value)[] environment)
        => new(vault, ProviderCatalog.Load(null), environment: name => name == "PATH" ? Environment.GetEnvironmentVariable("PATH") : environment.FirstOrDefault(pair => pair.Name == name).Value);

    private static UnlockedGrant Unlock(Vault vault) => GrantUnlocker.Unlock(new RunSpec
    {
        Id = "run_000000000000",
        Name = "test",
        Command = ["true"],
        Interactive = false,
        Workspace = new WorkspaceSpec("/"),
        Network = new NetworkSpec { Mode = NetworkMode.Strict },
        Grants = [new GrantSpec("ssh:git.moat.test")],
        CreatedAt = DateTimeOffset.UnixEpoch,
    }, vault, ProviderCatalog.Load(null), new byte[32]).Single();

    private async Task<string> KeyAsync(string name, string type, int bits = 0)
    {
        string[] size = bits == 0 ? [] : ["-b", bits.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        await ToolAsync("ssh-keygen", ["-q", "-t", type, .. size, "-N", "", "-C", "a person", "-f", _folder.File(name)]);
        return _folder.File(name);
    }

    private static async Task<string> ToolAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(Ct);
        var error = await process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        Assert.True(process.ExitCode == 0, error);
        return await output;
    }
}
