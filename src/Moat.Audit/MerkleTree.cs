using System.Security.Cryptography;

namespace Moat.Audit;

/// <summary>
/// The RFC 6962 tree head (section 2.1), built leaf by leaf. It keeps one hash for each complete subtree, which is one
/// for each bit that is set in the size: at most 63.
/// </summary>
internal sealed class MerkleTree
{
    public const int HashSize = 32;
    private readonly byte[] _peaks = new byte[64 * HashSize];
    private int _depth;

    public long Size { get; private set; }

    public void Add(ReadOnlySpan<byte> leafHash)
    {
        leafHash.CopyTo(Peak(_depth++));
        // A carry in the binary counter: two subtrees of one height become one of the next.
        for (var size = Size++; (size & 1) == 1; size >>= 1)
        {
            Node(Peak(_depth - 2), Peak(_depth - 1), Peak(_depth - 2));
            _depth--;
        }
    }

    public byte[] Root()
    {
        var root = new byte[HashSize];
        if (_depth == 0)
        {
            SHA256.HashData([], root);
            return root;
        }
        Peak(_depth - 1).CopyTo(root);
        for (var i = _depth - 2; i >= 0; i--)
            Node(Peak(i), root, root);
        return root;
    }

    private Span<byte> Peak(int index) => _peaks.AsSpan(index * HashSize, HashSize);

    private static void Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> result)
    {
        Span<byte> data = stackalloc byte[1 + (2 * HashSize)];
        data[0] = 1;
        left.CopyTo(data[1..]);
        right.CopyTo(data[(1 + HashSize)..]);
        SHA256.HashData(data, result);
    }
}
