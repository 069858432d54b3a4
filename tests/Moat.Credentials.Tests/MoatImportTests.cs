using System.Security.Cryptography;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class MoatImportTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly string _token = TestFolder.NewToken();

    public MoatImportTests() => _folder.Write(".moat/encryption.key", Convert.ToBase64String(_key) + "\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Credentials_profiles_and_providers_are_taken_and_the_rest_is_told()
    {
        Put("github", """{"provider":"github","token":"{T}","scopes":["repo"],"expires_at":"0001-01-01T00:00:00Z","created_at":"2025-11-02T10:00:00.123456789+02:00","metadata":{"token_source":"cli"}}""");
        Put("claude", """{"provider":"claude","token":"{T}","scopes":["user:inference"],"expires_at":"2099-01-01T00:00:00Z","created_at":"2025-11-02T10:00:00Z"}""");
        Put("mcp-context7", """{"provider":"mcp-context7","token":"{T}","expires_at":"0001-01-01T00:00:00Z","created_at":"2025-11-02T10:00:00Z"}""");
        Put("mcp:own", """{"provider":"mcp:own","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""");
        Put("npm", """{"provider":"npm","token":"[{\"host\":\"x\"}]","created_at":"2025-11-02T10:00:00Z"}""");
        Put("aws", """{"provider":"aws","token":"arn:aws:iam::1:role/x","created_at":"2025-11-02T10:00:00Z"}""");
        Put("gemini", """{"provider":"gemini","token":"{T}","created_at":"2025-11-02T10:00:00Z","metadata":{"auth_type":"oauth"}}""");
        Put("openai", """{"provider":"openai","token":"{T}","expires_at":"2020-01-01T00:00:00Z","created_at":"2019-11-02T10:00:00Z"}""");
        Put("acme", """{"provider":"acme","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""");
        Put("unheard", """{"provider":"unheard","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""");
        Put("profiles/Work/github", """{"provider":"github","token":"{T}-work","created_at":"2025-11-02T10:00:00Z"}""");
        _folder.Write(".moat/providers/acme.yaml", "name: acme\nhosts: [api.acme.example]\ninject: { header: X-Key }\n");
        _folder.Write(".moat/providers/bad.yaml", "name: bad\n");
        Assert.Contains(Run(dryRun: true), item => item.IsTaken);
        Assert.False(Directory.Exists(_folder.Credentials));

        var items = Run();
        Assert.Equal(
        [
            "acme", "claude", "github", "mcp:context7", "provider acme", "work github",
        ], items.Where(item => item.IsTaken).Select(item => item.Kind == "provider" ? $"provider {item.Name}" : $"{item.Profile} {item.Name}".Trim()).Order(StringComparer.Ordinal));
        string Note(string name) => items.Single(item => item.Name == name && !item.IsTaken).Note;
        Assert.Contains(".npmrc", Note("npm"), StringComparison.Ordinal);
        Assert.Contains("AWS", Note("aws"), StringComparison.Ordinal);
        Assert.Contains("Google login", Note("gemini"), StringComparison.Ordinal);
        Assert.Contains("expired", Note("openai"), StringComparison.Ordinal);
        Assert.Contains("--url", Note("mcp:own"), StringComparison.Ordinal);
        Assert.Contains("no such provider", Note("unheard"), StringComparison.Ordinal);
        Assert.Contains("bad.yaml", Note("bad"), StringComparison.Ordinal);
        Assert.Contains("the profile is work here", items.Single(item => item.Profile == "work").Note, StringComparison.Ordinal);
        Assert.All(items, item => Assert.DoesNotContain(_token, item.ToString(), StringComparison.Ordinal));

        using var vault = _folder.Vault();
        using var github = vault.Get("github")!;
        Assert.Equal((_token, null), (TestFolder.Text(github.Token), github.ExpiresAt));
        Assert.Equal(["repo"], github.Scopes);
        using var work = _folder.Vault("work");
        using var other = work.Get("github")!;
        Assert.Equal(_token + "-work", TestFolder.Text(other.Token));
        var catalog = ProviderCatalog.Load(_folder.File("providers"));
        foreach (var grant in GrantUnlocker.Unlock(UnlockedGrantTests.Spec("github", "claude", "mcp:context7", "acme"), vault, catalog, new byte[32]))
        {
            Assert.True(grant.TryGetValue(0, out var value));
            Assert.Contains(_token, value, StringComparison.Ordinal);
            grant.Dispose();
        }

        Assert.DoesNotContain(Run(), item => item.IsTaken);
        using var kept = vault.Get("github")!;
        Assert.Equal(github.CreatedAt, kept.CreatedAt);
    }

    [Fact]
    public void A_file_of_the_second_key_that_a_locked_keyring_made_opens_too()
    {
        var first = RandomNumberGenerator.GetBytes(32);
        var tool = _folder.Write("bin/secret-tool", $"#!/bin/sh\n[ \"$*\" = \"lookup service moat username encryption-key\" ] && printf %s {Convert.ToBase64String(first)}\n", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Put("github", """{"provider":"github","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""", first);
        Put("openai", """{"provider":"openai","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""");
        Assert.Equal(["github", "openai"], Run(searchPath: Path.GetDirectoryName(tool)!).Where(item => item.IsTaken).Select(item => item.Name));
    }

    [Fact]
    public void What_no_key_opens_is_told_and_does_not_stop_the_others()
    {
        Put("github", """{"provider":"github","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""", RandomNumberGenerator.GetBytes(32));
        Put("openai", """{"provider":"openai","token":"{T}","created_at":"2025-11-02T10:00:00Z"}""");
        Put("sentry", "no json");
        Put("vercel", """{"provider":"vercel"}""");
        Private("linear", [1, 2, 3]);
        File.SetUnixFileMode(Private("gitlab", new byte[60]), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var items = Run();
        Assert.Equal(["openai"], items.Where(item => item.IsTaken).Select(item => item.Name));
        Assert.Equal(["github", "gitlab", "linear", "sentry", "vercel"], items.Where(item => !item.IsTaken).Select(item => item.Name));
        Assert.Contains("other users", items.Single(item => item.Name == "gitlab").Note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere", "holds no credentials")]
    [InlineData("keyless", "neither in the keyring")]
    [InlineData("badkey", "is no key")]
    public void What_is_no_installation_is_told(string folder, string problem)
    {
        if (folder != "nowhere") Directory.CreateDirectory(_folder.File(folder + "/credentials"));
        if (folder == "badkey") _folder.Write("badkey/encryption.key", "c2hvcnQ=", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Contains(problem, Assert.Throws<MoatException>(() => new MoatImport(_folder.Path, _folder.File("providers"), TestFolder.FileKey).Run(_folder.File(folder), false)).Message, StringComparison.Ordinal);
    }

    private System.Collections.Immutable.ImmutableArray<ImportedItem> Run(bool dryRun = false, string searchPath = "")
        => new MoatImport(_folder.Path, _folder.File("providers"), TestFolder.FileKey with { SearchPath = searchPath }).Run(_folder.File(".moat"), dryRun);

    /// <summary>As the other tool does: nonce, ciphertext and tag, without associated data.</summary>
    private void Put(string name, string json, byte[]? key = null)
    {
        var plain = Encoding.UTF8.GetBytes(json.Replace("{T}", _token, StringComparison.Ordinal));
        var file = new byte[12 + plain.Length + 16];
        RandomNumberGenerator.Fill(file.AsSpan(0, 12));
        using var aes = new AesGcm(key ?? _key, 16);
        aes.Encrypt(file.AsSpan(0, 12), plain, file.AsSpan(12, plain.Length), file.AsSpan(12 + plain.Length));
        Private(name, file);
    }

    private string Private(string name, byte[] bytes)
    {
        var path = _folder.Write($".moat/credentials/{name}.enc", "", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
