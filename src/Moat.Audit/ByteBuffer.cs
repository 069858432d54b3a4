namespace Moat.Audit;

/// <summary>A growing byte array whose memory is kept between uses.</summary>
internal sealed class ByteBuffer(int capacity)
{
    private byte[] _array = new byte[capacity];

    public int Length { get; private set; }

    public byte[] Array => _array;

    public Span<byte> Written => _array.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void TruncateTo(int length) => Length = length;

    /// <summary>Room for at least so many bytes; what was used of it is told with <see cref="Advance"/>.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (_array.Length - Length < bytes)
            System.Array.Resize(ref _array, Math.Max(checked(Length + bytes), _array.Length * 2));
        return _array.AsSpan(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void Add(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
    }
}
