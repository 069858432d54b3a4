using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Moat.Gateway.Redaction;

/// <summary>Bytes <c>[Start, End)</c> of a buffer.</summary>
internal readonly record struct ByteRange(int Start, int End);

/// <summary>
/// Finds every occurrence of many patterns at once, overlapping ones too.
/// </summary>
/// <remarks>
/// The patterns are long (8 bytes and more as a rule), so most of the text need not be looked at. With the shortest
/// pattern of length m, the text is sampled each s = m - 3 bytes: whatever place a pattern occurs at, one of the samples,
/// 4 bytes wide, lies wholly in its first m bytes. The 4-byte grams at the first s offsets of every pattern are in a bit
/// set of 8 KiB; a sample that is not in it costs one multiplication and one load. Only a hit looks the gram up and
/// compares. The work for hostile text (each sample a hit) is bounded by the number of patterns that share a gram.
/// </remarks>
internal sealed class ByteSearch : IDisposable
{
    internal const int GramLength = 4;

    // Larger strides gain nothing over memory bandwidth and cost a larger table.
    private const int MaxStride = 16;

    private readonly byte[][] _patterns;
    private readonly ulong[] _grams = new ulong[1024];
    private readonly Dictionary<uint, (int Pattern, int Offset)[]> _places = [];
    private readonly ulong[] _prefixes = new ulong[1024];
    private readonly bool[] _firsts = new bool[256];
    private readonly Dictionary<ushort, int[]> _byPrefix = [];
    private readonly int _stride;

    /// <summary>Takes the patterns over; each is at least <see cref="GramLength"/> bytes.</summary>
    internal ByteSearch(IEnumerable<byte[]> patterns)
    {
        _patterns = [.. patterns];
        MinLength = _patterns.Length == 0 ? 0 : _patterns.Min(pattern => pattern.Length);
        MaxLength = _patterns.Length == 0 ? 0 : _patterns.Max(pattern => pattern.Length);
        _stride = Math.Clamp(MinLength - GramLength + 1, 1, MaxStride);

        var places = new Dictionary<uint, List<(int, int)>>();
        var prefixes = new Dictionary<ushort, List<int>>();
        for (var i = 0; i < _patterns.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(_patterns[i].Length, GramLength);
            for (var offset = 0; offset < _stride; offset++)
            {
                var gram = MemoryMarshal.Read<uint>(_patterns[i].AsSpan(offset));
                Set(_grams, Hash(gram));
                if (!places.TryGetValue(gram, out var at)) places.Add(gram, at = []);
                at.Add((i, offset));
            }
            var prefix = MemoryMarshal.Read<ushort>(_patterns[i]);
            _firsts[_patterns[i][0]] = true;
            Set(_prefixes, prefix);
            if (!prefixes.TryGetValue(prefix, out var with)) prefixes.Add(prefix, with = []);
            with.Add(i);
        }
        foreach (var (gram, at) in places) _places.Add(gram, [.. at]);
        foreach (var (prefix, with) in prefixes) _byPrefix.Add(prefix, [.. with]);
    }

    internal int MinLength { get; }

    internal int MaxLength { get; }

    internal bool IsEmpty => _patterns.Length == 0;

    internal IEnumerable<byte[]> CopyPatterns() => _patterns.Select(pattern => pattern.ToArray());

    /// <summary>Appends the occurrences to <paramref name="found"/> in no particular order; makes the list on the first hit.</summary>
    internal void FindAll(ReadOnlySpan<byte> text, ref List<ByteRange>? found)
    {
        if (IsEmpty) return;
        ref var first = ref MemoryMarshal.GetReference(text);
        ref var grams = ref MemoryMarshal.GetArrayDataReference(_grams);
        for (var at = 0; at <= text.Length - GramLength; at += _stride)
        {
            var gram = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, at));
            var hash = Hash(gram);
            if ((Unsafe.Add(ref grams, hash >> 6) >> (int)(hash & 63) & 1) != 0) Compare(text, at, gram, ref found);
        }
    }

    /// <summary>The length of the longest end of <paramref name="text"/> that begins a pattern without being all of it.</summary>
    internal int OpenEnd(ReadOnlySpan<byte> text)
    {
        for (var length = Math.Min(text.Length, MaxLength - 1); length >= 2; length--)
        {
            var end = text[^length..];
            var prefix = MemoryMarshal.Read<ushort>(end);
            if ((_prefixes[prefix >> 6] >> (prefix & 63) & 1) == 0) continue;
            foreach (var i in _byPrefix[prefix])
                if (_patterns[i].Length > length && _patterns[i].AsSpan(0, length).SequenceEqual(end)) return length;
        }
        return text.Length > 0 && _firsts[text[^1]] ? 1 : 0;
    }

    /// <summary>Zeroes the patterns. Nothing may search afterwards: it would find nothing.</summary>
    public void Dispose()
    {
        foreach (var pattern in _patterns) CryptographicOperations.ZeroMemory(pattern);
        _places.Clear();
        _byPrefix.Clear();
    }

    private void Compare(ReadOnlySpan<byte> text, int at, uint gram, ref List<ByteRange>? found)
    {
        if (!_places.TryGetValue(gram, out var places)) return;
        foreach (var (i, offset) in places)
        {
            var start = at - offset;
            var pattern = _patterns[i];
            if (start >= 0 && text.Length - start >= pattern.Length && text.Slice(start, pattern.Length).SequenceEqual(pattern))
                (found ??= []).Add(new ByteRange(start, start + pattern.Length));
        }
    }

    private static uint Hash(uint gram) => gram * 0x9E3779B1 >> 16;

    private static void Set(ulong[] bits, uint at) => bits[at >> 6] |= 1UL << (int)(at & 63);
}
