using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>
/// The bytes of a credential: on a pinned array that the collector never copies, kept out of core dumps and swap where
/// the kernel allows it, and zeroed on <see cref="Dispose"/>. It never becomes text by accident.
/// </summary>
[DebuggerDisplay("[secret]")]
public sealed class Secret : IDisposable
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private byte[]? _bytes;

    private Secret(int length)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        Native.KeepOutOfDumps(_bytes);
    }

    /// <summary>Copies <paramref name="bytes"/>; the caller still has to zero its own copy.</summary>
    public static Secret Copy(ReadOnlySpan<byte> bytes)
    {
        var secret = new Secret(bytes.Length);
        bytes.CopyTo(secret._bytes);
        return secret;
    }

    /// <summary>Copies and zeroes <paramref name="bytes"/>.</summary>
    public static Secret Take(Span<byte> bytes)
    {
        var secret = Copy(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }

    /// <summary>The UTF-8 form of <paramref name="text"/>.</summary>
    public static Secret FromText(ReadOnlySpan<char> text)
    {
        var secret = new Secret(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, secret._bytes);
        return secret;
    }

    /// <summary>Length in bytes.</summary>
    public int Length => Bytes.Length;

    /// <summary>The bytes themselves. Use them and let go; copy them nowhere that is not zeroed.</summary>
    /// <exception cref="ObjectDisposedException">The secret was zeroed.</exception>
    public ReadOnlySpan<byte> Reveal() => Bytes;

    public bool SameAs(Secret other) => CryptographicOperations.FixedTimeEquals(Bytes, other.Bytes);

    public override string ToString() => "[secret]";

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes) CryptographicOperations.ZeroMemory(bytes);
    }

    private byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(Secret));
}
