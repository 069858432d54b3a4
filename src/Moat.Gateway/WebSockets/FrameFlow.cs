using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.WebSockets;

/// <summary>
/// One direction's frames on their way through: each is parsed, checked and passed on as its bytes come, whatever its
/// length says. The client's frames pass as they are. The server's messages lose every secret: their payload is one
/// text for the redactor, however it is cut into frames, and goes out in frames of our own making (RFC 6455 §5.4 lets an
/// intermediary cut a message anew where no extension is in use), so that a control frame never waits for what the
/// redactor holds back.
/// </summary>
internal sealed class FrameFlow(bool fromClient, SecretRedactor redactor, ControlBudget budget)
{
    private enum Part
    {
        Header,
        Control,
        Data,
    }

    private readonly MessageRules _rules = new(budget);
    private readonly RedactionWindow _window = new(redactor);

    // A header, or a whole control frame: they are passed on only when they are known to be good.
    private readonly byte[] _head = new byte[FrameHeader.MaxSize + FrameHeader.MaxControlPayload];
    private int _headLength;
    private int _headerSize;
    private Part _part;
    private FrameHeader _frame;
    private long _done;          // bytes of the frame's payload that went through
    private byte _opcode;        // of the next frame of our own making
    private byte[] _scratch = [];

    /// <summary>What is wrong with the frames; nothing of the bad one was passed on but earlier payload. Null while all is well.</summary>
    public string? Violation { get; private set; }

    /// <summary>Takes all of the input, or all up to a violation.</summary>
    public void Process(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        while (!input.IsEmpty && Violation is null)
        {
            var taken = _part switch
            {
                Part.Header => TakeHeader(input, output),
                Part.Control => TakeControl(input, output),
                _ => TakeData(input, output),
            };
            input = input[taken..];
        }
    }

    /// <summary>A server's Close that tells the client why; only between our own frames, so only in the server's direction.</summary>
    public static void WriteClose(int code, string reason, IBufferWriter<byte> output)
    {
        var text = Encoding.UTF8.GetBytes(reason);
        // A reason is cut between characters.
        var length = Math.Min(text.Length, FrameHeader.MaxControlPayload - 2);
        while (!Utf8.IsValid(text.AsSpan(0, length)))
            length--;
        var frame = output.GetSpan(4 + length);
        FrameHeader.Write(frame, final: true, FrameOpcode.Close, 2 + length);
        (frame[2], frame[3]) = ((byte)(code >> 8), (byte)code);
        text.AsSpan(0, length).CopyTo(frame[4..]);
        output.Advance(4 + length);
    }

    public void Clear()
    {
        _window.Clear();
        Array.Clear(_scratch);
    }

    private int TakeHeader(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        _head[_headLength++] = input[0];
        if (FrameHeader.TryRead(_head.AsSpan(0, _headLength), fromClient, out _frame, out var violation))
        {
            violation = _rules.Begin(_frame);
            if (violation is null)
                Open(output);
        }
        Violation ??= violation;
        return 1;
    }

    private void Open(IBufferWriter<byte> output)
    {
        _headerSize = _headLength;
        _done = 0;
        if (_frame.IsControl)
        {
            _part = Part.Control;
            if (_frame.Length == 0)
                EndControl(output);
            return;
        }
        if (fromClient)
            output.Write(_head.AsSpan(0, _headerSize));
        else if (_frame.Opcode != FrameOpcode.Continuation)
            _opcode = _frame.Opcode;
        _headLength = 0;
        _part = Part.Data;
        if (_frame.Length == 0)
            Pass([], output);
    }

    private int TakeControl(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var count = (int)Math.Min(input.Length, _headerSize + _frame.Length - _headLength);
        input[..count].CopyTo(_head.AsSpan(_headLength));
        _headLength += count;
        if (_headLength == _headerSize + _frame.Length)
            EndControl(output);
        return count;
    }

    private void EndControl(IBufferWriter<byte> output)
    {
        var frame = _head.AsSpan(0, _headLength);
        var afterClose = _rules.Closed;
        if (_frame.Opcode == FrameOpcode.Close)
        {
            Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
            payload = payload[..(int)_frame.Length];
            Unmask(frame[_headerSize..], payload, _frame.Mask, 0);
            Violation = _rules.Close(payload);
        }
        if (!fromClient)
            redactor.Redact(frame[_headerSize..]);
        // An answer to a ping may cross with one's own Close; nobody waits for it any more.
        if (Violation is null && !afterClose)
            output.Write(frame);
        _headLength = 0;
        _part = Part.Header;
    }

    private int TakeData(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var count = (int)Math.Min(input.Length, _frame.Length - _done);
        Pass(input[..count], output);
        return count;
    }

    /// <summary>A piece of a data frame's payload, or the empty payload of one.</summary>
    private void Pass(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        var ends = _done + piece.Length == _frame.Length;
        var last = ends && _frame.Final;
        if (_rules.IsText)
        {
            Violation = _rules.Text(fromClient ? Unmasked(piece) : piece, last);
            if (Violation is not null)
                return;
        }
        if (fromClient)
            output.Write(piece);
        else
            Reframe(piece, last, output);
        _done += piece.Length;
        if (ends)
            _part = Part.Header;
    }

    private void Reframe(ReadOnlySpan<byte> piece, bool last, IBufferWriter<byte> output)
    {
        var text = Scratch(_window.MaxHeld + piece.Length);
        var held = _window.Restore(text);
        piece.CopyTo(text[held..]);
        var settled = _window.Settle(text[..(held + piece.Length)], last);
        if (settled == 0 && !last)
            return;
        var frame = output.GetSpan(10 + settled);
        var size = FrameHeader.Write(frame, last, _opcode, settled);
        text[..settled].CopyTo(frame[size..]);
        output.Advance(size + settled);
        _opcode = FrameOpcode.Continuation;
    }

    private Span<byte> Unmasked(ReadOnlySpan<byte> piece)
    {
        var text = Scratch(piece.Length)[..piece.Length];
        Unmask(piece, text, _frame.Mask, _done);
        return text;
    }

    private Span<byte> Scratch(int length)
    {
        if (_scratch.Length < length)
            _scratch = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        return _scratch;
    }

    // RFC 6455 §5.3. A mask of 0 copies.
    private static void Unmask(ReadOnlySpan<byte> from, Span<byte> to, uint mask, long offset)
    {
        for (var i = 0; i < from.Length; i++)
            to[i] = (byte)(from[i] ^ (mask >> (int)((offset + i & 3) * 8)));
    }
}
