using System.Buffers;

namespace Moat.Gateway.Mcp;

/// <summary>Bytes of one message, grown as they come, within the message's limit and the run's.</summary>
internal sealed class HeldBuffer(HeldBytes held, int limit) : IDisposable
{
    private const int FirstLength = 16 * 1024;

    private byte[] _bytes = [];
    private int _taken;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    /// <summary>Reads to the end of the stream. False when there is more than fits; what was read so far is here then.</summary>
    public async ValueTask<bool> TryReadAsync(Stream from, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Length == _bytes.Length && !TryGrow(1))
                return false;
            var read = await from.ReadAsync(_bytes.AsMemory(Length), cancellationToken);
            if (read == 0)
                return true;
            Length += read;
            if (Length > limit)
                return false;
        }
    }

    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        if (Length + bytes.Length > limit || (Length + bytes.Length > _bytes.Length && !TryGrow(bytes.Length)))
            return false;
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
        return true;
    }

    public void Clear() => Length = 0;

    public void Dispose()
    {
        held.Give(_taken);
        _taken = Length = 0;
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
        _bytes = [];
    }

    private bool TryGrow(int more)
    {
        // One byte beyond the limit tells that there is more.
        var wanted = (int)Math.Min(Math.Max(Math.Max(FirstLength, _bytes.Length * 2L), (long)Length + more), (long)limit + 1);
        if (wanted <= _bytes.Length || !held.TryTake(wanted - _taken))
            return false;
        _taken = wanted;
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
        _bytes = larger;
        return true;
    }
}
