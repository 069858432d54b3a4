using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Moat.Gateway.Doors;

/// <summary>
/// Kestrel's buffers, two TLS records long (RFC 8446 §5.1: 16 KiB of plaintext each). In its own blocks of 4 KiB each record would be cut
/// into four, with four reads, four writes and four records on the way out.
/// </summary>
internal sealed class LargeBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int Length = 32 * 1024;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, Length));

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    protected override void Dispose(bool disposing)
    {
        // The blocks belong to the shared pool, and Kestrel disposes what it created once for each listener.
    }
}
