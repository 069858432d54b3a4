using System.Buffers;

namespace Moat.Audit;

/// <summary>What one line contributes to the verification.</summary>
internal struct LineFacts
{
    public bool IsCanonical;
    public long Seq;
    public long Mono;
    public long TimeTicks;
    public long Intent;
    public RecordRole Role;
    public Hash32 Prev;
    public Hash32 Chain;
    public Hash32 Leaf;
}

internal enum RecordRole : byte
{
    Other,
    Intent,
    Outcome,
    Seal,
}

/// <summary>
/// Reads a log in blocks of whole lines and works out each block's facts (parsing and two hashes a line) on the thread
/// pool, a few blocks ahead of the one that consumes them in order.
/// </summary>
internal sealed class LineBlocks(Stream stream)
{
    private const int BlockSize = 1 << 19;
    private readonly int _ahead = Math.Max(2, Environment.ProcessorCount);
    private readonly Queue<Task<LineFacts[]>> _running = new();
    private byte[] _rest = [];
    private bool _ended;

    /// <summary>Bytes after the last newline; known once all is read.</summary>
    public int TornBytes { get; private set; }

    public IEnumerable<LineFacts[]> Read()
    {
        while (true)
        {
            while (!_ended && _running.Count < _ahead)
                Start();
            if (!_running.TryDequeue(out var next))
                yield break;
            yield return next.GetAwaiter().GetResult();
        }
    }

    private void Start()
    {
        // One spare byte in front: hashing a leaf borrows the byte before its line.
        var size = 1 + _rest.Length + BlockSize;
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        _rest.CopyTo(buffer, 1);
        var end = 1 + _rest.Length;
        var read = stream.ReadAtLeast(buffer.AsSpan(end, BlockSize), BlockSize, throwOnEndOfStream: false);
        end += read;
        _ended = read < BlockSize;
        var whole = buffer.AsSpan(0, end).LastIndexOf((byte)'\n');
        // Byte 0 is the spare one, whatever it holds.
        whole = whole < 1 ? 0 : whole;
        _rest = buffer[(whole + 1)..end];
        if (_ended)
            TornBytes = _rest.Length;
        if (whole == 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            // An endless line is no record; it must not fill the memory.
            if (_rest.Length > RecordLine.MaxLine)
            {
                _ended = true;
                _running.Enqueue(Task.FromResult(new LineFacts[1]));
            }
            return;
        }
        _running.Enqueue(Task.Run(() => Facts(buffer, whole + 1)));
    }

    private static LineFacts[] Facts(byte[] buffer, int end)
    {
        try
        {
            var facts = new LineFacts[buffer.AsSpan(1, end - 1).Count((byte)'\n')];
            var start = 1;
            for (var i = 0; i < facts.Length; i++)
            {
                var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
                Fill(ref facts[i], buffer, start, length);
                start += length + 1;
            }
            return facts;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Fill(ref LineFacts facts, byte[] buffer, int start, int length)
    {
        var line = buffer.AsSpan(start, length);
        var scanned = LineScanner.Scan(line);
        facts.IsCanonical = scanned.IsCanonical;
        facts.Seq = scanned.Seq;
        facts.Mono = scanned.Mono;
        facts.TimeTicks = scanned.TimeTicks;
        facts.Intent = scanned.Intent;
        facts.Prev = scanned.Prev;
        if (scanned.IsCanonical)
        {
            var type = line[scanned.Type];
            facts.Role = type.EndsWith(".intent"u8) ? RecordRole.Intent
                : type.EndsWith(".outcome"u8) ? RecordRole.Outcome
                : type.EndsWith(".sealed"u8) ? RecordRole.Seal
                : RecordRole.Other;
        }
        RecordLine.Hash(buffer, start, length, facts.Chain, facts.Leaf);
    }
}
