using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Moat.Gateway.Doors;

/// <summary>
/// Kestrel's buffers, two TLS records long (RFC 8446 §5.1: 16 KiB of plaintext each). In its own blocks of 4 KiB each record would be cut
/// into four, with four reads, four writes and four records on the way out. While few are in use they are twice as long:
/// one transfer alone then takes half the system calls, and a crowd of connections no more memory.
/// </summary>
internal sealed class LargeBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int Length = 32 * 1024;
    private const int LongLength = 64 * 1024;
    private const int FewBlocks = 32;

    private int _used;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) =>
        new Block(this, Math.Max(minBufferSize, Interlocked.Increment(ref _used) <= FewBlocks ? LongLength : Length));

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    protected override void Dispose(bool disposing)
    {
        // The blocks belong to the shared pool, and Kestrel disposes what it created once for each listener.
    }

    private sealed class Block(LargeBlocks blocks, int length) : IMemoryOwner<byte>
    {
        private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(length);

        public Memory<byte> Memory => _bytes;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is not { } bytes)
                return;
            Interlocked.Decrement(ref blocks._used);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
