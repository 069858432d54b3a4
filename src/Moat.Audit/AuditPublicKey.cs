using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Moat.Spec;
using NSec.Cryptography;
using PublicKey = NSec.Cryptography.PublicKey;

namespace Moat.Audit;

/// <summary>Verifies checkpoints. Its text form is a C2SP vkey: <c>name+hash+base64(0x01 || key)</c>.</summary>
public sealed class AuditPublicKey
{
    internal const byte Ed25519Type = 1;
    private readonly PublicKey _key;

    internal AuditPublicKey(string name, PublicKey key)
    {
        Name = name;
        _key = key;
        Raw = key.Export(KeyBlobFormat.RawPublicKey);
        Id = KeyId(name, Raw);
    }

    /// <summary>The key's name in signature lines (C2SP signed-note).</summary>
    public string Name { get; }

    /// <summary>The first four bytes of SHA-256(name, newline, 0x01, key), big-endian (C2SP signed-note, "Signatures").</summary>
    public uint Id { get; }

    internal byte[] Raw { get; }

    /// <summary>Reads a vkey.</summary>
    /// <exception cref="MoatException">The text is not an Ed25519 vkey, or its hash does not fit the key.</exception>
    public static AuditPublicKey Parse(string text)
    {
        // '+' occurs in base64 too, so only the first two separate.
        var parts = text.Trim().Split('+', 3);
        var blob = new byte[64];
        if (parts.Length != 3 || parts[1].Length != 8 || !IsName(parts[0])
            || !uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
            || !Convert.TryFromBase64String(parts[2], blob, out var length) || length != 33 || blob[0] != Ed25519Type
            || KeyId(parts[0], blob.AsSpan(1, 32)) != id
            || !PublicKey.TryImport(SignatureAlgorithm.Ed25519, blob.AsSpan(1, 32), KeyBlobFormat.RawPublicKey, out var key)
            || key is null)
        {
            throw new MoatException("This is not an audit public key.",
                "Give the line that `moat audit key` printed: name+hash+base64.");
        }
        return new AuditPublicKey(parts[0], key);
    }

    public override string ToString()
    {
        Span<byte> blob = stackalloc byte[33];
        blob[0] = Ed25519Type;
        Raw.CopyTo(blob[1..]);
        return $"{Name}+{Id:x8}+{Convert.ToBase64String(blob)}";
    }

    internal bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureAlgorithm.Ed25519.SignatureSize
        && SignatureAlgorithm.Ed25519.Verify(_key, text, signature);

    internal static bool IsName(string name)
    {
        foreach (var c in name)
        {
            if (c == '+' || char.IsWhiteSpace(c) || char.IsControl(c))
                return false;
        }
        return name.Length > 0;
    }

    private static uint KeyId(string name, ReadOnlySpan<byte> key) =>
        BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', Ed25519Type, .. key]));
}
