using System.Security.Cryptography;
using System.Text;
using Moat.Spec;
using NSec.Cryptography;

namespace Moat.Audit;

/// <summary>
/// The installation's Ed25519 key that signs audit checkpoints. In memory it lies in libsodium's guarded pages and is
/// zeroed on dispose. On disk it is one line, <c>PRIVATE+KEY+name+hash+base64(0x01 || seed)</c>, mode 0600.
/// </summary>
public sealed class AuditKey : IDisposable
{
    private const string Prefix = "PRIVATE+KEY+";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly Key _key;

    private AuditKey(string name, Key key)
    {
        _key = key;
        PublicKey = new AuditPublicKey(name, key.PublicKey);
    }

    public AuditPublicKey PublicKey { get; }

    /// <summary>The public half as a C2SP vkey.</summary>
    public string PublicKeyText => PublicKey.ToString();

    /// <summary>A new key. The name has no spaces and no '+'.</summary>
    public static AuditKey Generate(string name = "moat/audit")
    {
        if (!AuditPublicKey.IsName(name))
            throw new ArgumentException("A key's name is not empty and has no spaces and no '+'.", nameof(name));
        return new AuditKey(name, Key.Create(SignatureAlgorithm.Ed25519,
            new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport }));
    }

    /// <summary>Writes the key to a new file of mode 0600; an existing file is never replaced.</summary>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public void Save(string path)
    {
        var blob = new byte[33];
        var text = Array.Empty<byte>();
        try
        {
            blob[0] = AuditPublicKey.Ed25519Type;
            if (!_key.TryExport(KeyBlobFormat.RawPrivateKey, blob.AsSpan(1), out var written) || written != 32)
                throw new CryptographicException("The audit key could not be exported.");
            var head = Encoding.UTF8.GetBytes($"{Prefix}{PublicKey.Name}+{PublicKey.Id:x8}+");
            text = new byte[head.Length + 44 + 1];
            head.CopyTo(text, 0);
            System.Buffers.Text.Base64.EncodeToUtf8(blob, text.AsSpan(head.Length), out _, out _);
            text[^1] = (byte)'\n';
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                UnixCreateMode = OwnerOnly,
                BufferSize = 0,
            });
            file.Write(text);
            file.Flush(flushToDisk: true);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(blob);
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>Reads a key that <see cref="Save"/> wrote.</summary>
    /// <exception cref="MoatException">Others may read or write the file, it belongs to somebody else, or it is no key.</exception>
    public static AuditKey Load(string path)
    {
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        // The open handle is examined, not the path, so that nobody can exchange the file in between.
        var mode = File.GetUnixFileMode(handle);
        if ((mode & ~OwnerOnly) != 0)
            throw new MoatException($"The audit key {path} is open to others (mode {Convert.ToString((int)mode, 8)}).",
                $"If nobody else could have read or changed it: chmod 600 {path}. Otherwise delete it; Moat makes a new one.");
        if (Native.OwnerOf(handle) != Native.EffectiveUser())
            throw new MoatException($"The audit key {path} belongs to another user.", "Delete it or run Moat as its owner.");

        Span<byte> text = stackalloc byte[512];
        Span<byte> blob = stackalloc byte[48];
        try
        {
            var line = text[..RandomAccess.Read(handle, text, 0)].TrimEnd((byte)'\n');
            var start = "PRIVATE+KEY+"u8;
            if (line.StartsWith(start))
            {
                var rest = line[start.Length..];
                var plus = rest.IndexOf((byte)'+');
                if (plus > 0 && rest.Length > plus + 10 && rest[plus + 9] == '+'
                    && System.Buffers.Text.Base64.DecodeFromUtf8(rest[(plus + 10)..], blob, out _, out var length) == 0
                    && length == 33 && blob[0] == AuditPublicKey.Ed25519Type
                    && Key.TryImport(SignatureAlgorithm.Ed25519, blob[1..33], KeyBlobFormat.RawPrivateKey, out var key) && key is not null)
                {
                    return new AuditKey(Encoding.UTF8.GetString(rest[..plus]), key);
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(blob);
        }
        throw new MoatException($"{path} holds no audit key.", "Delete it; Moat makes a new one for the next run.");
    }

    public void Dispose() => _key.Dispose();

    internal byte[] Sign(ReadOnlySpan<byte> text) => SignatureAlgorithm.Ed25519.Sign(_key, text);
}
