using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>How the vault finds the system keyring.</summary>
public sealed record VaultOptions
{
    /// <summary>False (<c>MOAT_KEYRING_BACKEND=file</c>): a new vault's key goes into a file. An existing vault keeps its backend.</summary>
    public bool UseKeyring { get; init; } = true;

    /// <summary>Folders that are searched for <c>secret-tool</c>, separated by colons (<c>PATH</c>).</summary>
    public string SearchPath { get; init; } = "";

    /// <summary>The options of this process' environment.</summary>
    public static VaultOptions FromEnvironment() => new()
    {
        UseKeyring = Environment.GetEnvironmentVariable("MOAT_KEYRING_BACKEND") != "file",
        SearchPath = Environment.GetEnvironmentVariable("PATH") ?? "",
    };
}

/// <summary>
/// The credentials of one profile: <c>credentials/&lt;grant&gt;.cred</c>, or <c>credentials/profiles/&lt;profile&gt;/</c>,
/// under the data folder. A named profile does not fall back to the default one. Safe among threads and processes.
/// </summary>
public sealed class Vault : IDisposable
{
    private const string Extension = ".cred";
    private readonly string _root;
    private readonly string _folder;
    private readonly VaultKey _key;

    private Vault(string dataDirectory, string profile, VaultOptions options)
    {
        Profile = profile;
        _root = Path.Combine(dataDirectory, "credentials");
        _folder = profile.Length == 0 ? _root : Path.Combine(_root, "profiles", profile);
        _key = new VaultKey(dataDirectory, _root, options);
    }

    /// <summary>Empty for the default profile.</summary>
    public string Profile { get; }

    /// <summary>Opens the vault; nothing is written, and no key is asked for, before the first use.</summary>
    /// <param name="dataDirectory">Moat's data folder; made when the first credential is put.</param>
    /// <param name="profile">Empty for the default profile.</param>
    /// <param name="options">Null: of this process' environment.</param>
    /// <exception cref="MoatException">The profile's name is not one.</exception>
    public static Vault Open(string dataDirectory, string profile = "", VaultOptions? options = null)
    {
        GrantNames.CheckProfile(profile);
        return new Vault(Path.GetFullPath(dataDirectory), profile, options ?? VaultOptions.FromEnvironment());
    }

    /// <summary>Stores a credential in place of the one of the same name. It is on the disk when this returns.</summary>
    /// <exception cref="MoatException">The keyring failed, or a file or folder is open to others.</exception>
    public void Put(StoredCredential credential)
    {
        GrantNames.CheckGrant(credential.Provider);
        using var hold = LockForWriting();
        PrivateFiles.EnsureFolder(_folder);
        PrivateFiles.Write(PathOf(credential.Provider), CredentialFormat.Seal(_key.GetOrCreate(), credential, Profile));
    }

    /// <summary>Stores a credential in place of that very state of it; false, and nothing is stored, when another was put or it was removed since.</summary>
    /// <exception cref="MoatException">As <see cref="Put"/>.</exception>
    public bool Replace(StoredCredential credential, VaultVersion expected)
    {
        GrantNames.CheckGrant(credential.Provider);
        using var hold = LockForWriting();
        if (Version(credential.Provider) != expected) return false;
        PrivateFiles.Write(PathOf(credential.Provider), CredentialFormat.Seal(_key.GetOrCreate(), credential, Profile));
        return true;
    }

    /// <summary>The right to renew a credential, among all processes; null while somebody else has it. Dispose it to let go.</summary>
    internal SafeFileHandle? TryLockForRefresh(string name)
    {
        GrantNames.CheckGrant(name);
        return Native.TryLock(Path.Combine(_folder, name + ".refresh"));
    }

    /// <summary>The credential, or null when there is none. The caller disposes it.</summary>
    /// <exception cref="MoatException">The file does not open, the keyring failed, or a mode or an owner is wrong.</exception>
    public StoredCredential? Get(string name) => Read(name, out _);

    /// <summary>Names of the stored grants, sorted. What is in the files is not looked at.</summary>
    public ImmutableArray<string> List()
    {
        CheckFolders();
        if (!Directory.Exists(_folder)) return [];
        return [.. Directory.EnumerateFiles(_folder, "*" + Extension).Select(path => Path.GetFileName(path)[..^Extension.Length]).Where(GrantNames.IsName).Order(StringComparer.Ordinal)];
    }

    /// <summary>Removes the credential; running runs notice within a second. False when there was none.</summary>
    public bool Remove(string name)
    {
        GrantNames.CheckGrant(name);
        if (Native.Stat(PathOf(name)) is null) return false;
        using var hold = LockForWriting();
        if (Native.Stat(PathOf(name)) is null) return false;
        File.Delete(PathOf(name));
        Native.SyncDirectory(_folder);
        return true;
    }

    /// <summary>What changes whenever the stored credential changes: one stat, no decryption. Null when there is none.</summary>
    public VaultVersion? Version(string name)
    {
        GrantNames.CheckGrant(name);
        return Native.Stat(PathOf(name)) is { } stamp ? new VaultVersion(stamp) : null;
    }

    public void Dispose() => _key.Dispose();

    internal StoredCredential? Read(string name, out VaultVersion version)
    {
        GrantNames.CheckGrant(name);
        CheckFolders();
        version = default;
        var path = PathOf(name);
        if (PrivateFiles.Read(path) is not { } file) return null;
        version = new VaultVersion(file.Stamp);
        try
        {
            return CredentialFormat.Open(_key.Get(), file.Bytes, name, Profile);
        }
        catch (CryptographicException)
        {
            throw new MoatException($"{path} does not open: it was changed, moved from another provider or profile, or sealed with another key", $"grant it again: moat grant {name}");
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name + Extension);

    private SafeFileHandle LockForWriting()
    {
        PrivateFiles.EnsureOwnFolder(Path.GetDirectoryName(_root)!);
        PrivateFiles.EnsureFolder(_root);
        if (Profile.Length > 0) PrivateFiles.EnsureFolder(Path.GetDirectoryName(_folder)!);
        return Native.Lock(Path.Combine(_root, "vault.lock"));
    }

    private void CheckFolders()
    {
        PrivateFiles.CheckFolder(_root);
        if (Profile.Length > 0) PrivateFiles.CheckFolder(_folder);
    }
}

/// <summary>Identity of one stored state of a credential; compare with <c>==</c>.</summary>
public readonly record struct VaultVersion
{
    private readonly FileStamp _stamp;

    internal VaultVersion(FileStamp stamp) => _stamp = stamp;
}
