using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The vault's 256-bit key. <c>encryption.backend</c> records where it lives (<c>moat-key 1 keyring|file &lt;vault&gt;
/// &lt;fingerprint&gt;</c>), once and for all: a keyring that is locked, denied or emptied is an error, never a reason
/// for a second key under which nothing opens.
/// </summary>
internal sealed class VaultKey : IDisposable
{
    private const int Length = 32;
    private readonly string _recordPath, _keyPath, _credentials;
    private readonly VaultOptions _options;
    private readonly Lock _gate = new();
    private Secret? _key;

    internal VaultKey(string dataDirectory, string credentials, VaultOptions options)
    {
        _recordPath = Path.Combine(dataDirectory, "encryption.backend");
        _keyPath = Path.Combine(dataDirectory, "encryption.key");
        (_credentials, _options) = (credentials, options);
    }

    /// <summary>The key of an existing vault.</summary>
    internal Secret Get()
    {
        lock (_gate) return _key ??= Load() ?? throw Lost($"{_recordPath} and {_keyPath} are missing");
    }

    /// <summary>The key, made when the vault is new. The caller holds the vault's lock.</summary>
    internal Secret GetOrCreate()
    {
        lock (_gate)
        {
            if (_key is not null) return _key;
            _key = Load() ?? Make();
            // Only a key file can be there without its record: a crash came between the two.
            if (ReadRecord() is null) WriteRecord(new Record("file", NewVaultId(), Fingerprint(_key)));
            return _key;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _key?.Dispose();
            _key = null;
        }
    }

    private Secret? Load()
    {
        if (ReadRecord() is { } record)
        {
            var key = record.Backend == "keyring" ? LoadFromKeyring(record) : ReadKeyFile() ?? throw Lost($"{_keyPath} is missing");
            if (Fingerprint(key) == record.Fingerprint) return key;
            key.Dispose();
            throw Lost($"the {record.Backend} holds another key than the one this vault was made with");
        }
        // A crash between the key and the record: the key is there, so say so.
        return ReadKeyFile();
    }

    private Secret Make()
    {
        if (Directory.EnumerateFiles(_credentials, "*.cred", SearchOption.AllDirectories).Any()) throw Lost($"{_recordPath} and {_keyPath} are missing");
        var key = NewKey();
        var vault = NewVaultId();
        if (_options.UseKeyring && SecretTool.Find(_options.SearchPath) is { } keyring && keyring.TryStore(vault, key))
        {
            using var again = keyring.Lookup(vault);
            if (again is null || !again.SameAs(key)) throw new MoatException("the system keyring took the vault's key but does not give it back", "unlock the keyring and try again, or keep the key in a file: MOAT_KEYRING_BACKEND=file moat grant …");
            WriteRecord(new Record("keyring", vault, Fingerprint(key)));
            return key;
        }
        PrivateFiles.Write(_keyPath, key.Reveal());
        return key;
    }

    private Secret LoadFromKeyring(Record record)
    {
        var keyring = SecretTool.Find(_options.SearchPath)
            ?? throw new MoatException("the vault's key is in the system keyring, and secret-tool is not on PATH", "install it (package libsecret-tools)");
        return keyring.Lookup(record.Vault) ?? throw Lost("the system keyring has no key for this vault (removed, or the unlock was dismissed)");
    }

    private Secret? ReadKeyFile()
    {
        if (PrivateFiles.Read(_keyPath) is not { } file) return null;
        return file.Bytes.Length == Length ? Secret.Take(file.Bytes) : throw Lost($"{_keyPath} is not a {Length}-byte key");
    }

    private Record? ReadRecord()
    {
        if (PrivateFiles.Read(_recordPath) is not { } file) return null;
        var parts = Encoding.ASCII.GetString(file.Bytes).TrimEnd('\n').Split(' ');
        return parts is ["moat-key", "1", "keyring" or "file", { Length: 16 }, { Length: 16 }]
            ? new Record(parts[2], parts[3], parts[4]) : throw Lost($"{_recordPath} is not readable");
    }

    private void WriteRecord(Record record)
        => PrivateFiles.Write(_recordPath, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"moat-key 1 {record.Backend} {record.Vault} {record.Fingerprint}\n")));

    private static string NewVaultId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private static Secret NewKey()
    {
        Span<byte> bytes = stackalloc byte[Length];
        RandomNumberGenerator.Fill(bytes);
        return Secret.Take(bytes);
    }

    // Of a hash under a label of its own: the record tells keys apart and says nothing about the key.
    private static string Fingerprint(Secret key) => Convert.ToHexStringLower(HMACSHA256.HashData(key.Reveal(), "moat key fingerprint 1"u8)[..8]);

    private MoatException Lost(string problem)
        => new($"the vault's key cannot be had: {problem}", $"bring it back (unlock the keyring, restore the file), or start over: remove {_recordPath}, {_keyPath} and the .cred files in {_credentials}, then grant again");

    private sealed record Record(string Backend, string Vault, string Fingerprint);
}
