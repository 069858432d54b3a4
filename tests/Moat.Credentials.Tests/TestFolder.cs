using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials.Tests;

/// <summary>A private folder of one test, and what tests share.</summary>
internal sealed class TestFolder : IDisposable
{
    internal static readonly VaultOptions FileKey = new() { UseKeyring = false };

    internal string Path { get; } = Directory.CreateTempSubdirectory("moat-creds-").FullName;

    internal string Credentials => System.IO.Path.Combine(Path, "credentials");

    internal Vault Vault(string profile = "", VaultOptions? options = null) => Moat.Credentials.Vault.Open(Path, profile, options ?? FileKey);

    internal string File(string name) => System.IO.Path.Combine(Path, name);

    internal string Write(string name, string text, UnixFileMode? mode = null)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(name))!);
        System.IO.File.WriteAllText(File(name), text);
        if (mode is { } m) System.IO.File.SetUnixFileMode(File(name), m);
        return File(name);
    }

    internal static string NewToken(string prefix = "tok_") => prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    internal static StoredCredential Credential(string provider, string token, DateTimeOffset? expires = null)
        => new() { Provider = provider, Token = Secret.FromText(token), ExpiresAt = expires, CreatedAt = DateTimeOffset.UnixEpoch };

    internal static string Text(Secret secret) => Encoding.UTF8.GetString(secret.Reveal());

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
