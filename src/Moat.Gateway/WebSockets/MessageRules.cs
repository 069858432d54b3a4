using System.Buffers.Binary;
using System.Text.Unicode;

namespace Moat.Gateway.WebSockets;

/// <summary>What the frames of one direction must be together: fragments in order, text in UTF-8, one Close at the end.</summary>
internal sealed class MessageRules(ControlBudget budget)
{
    private bool _inMessage;
    private bool _text;
    private Utf8Check _utf8;

    /// <summary>True once this side sent its Close: it has nothing more to say (RFC 6455 §5.5.1).</summary>
    public bool Closed { get; private set; }

    /// <summary>Whether the current message's payload must be looked at, unmasked.</summary>
    public bool IsText => _text;

    /// <summary>The violation that lies in this frame coming now, or null.</summary>
    public string? Begin(in FrameHeader header)
    {
        // A frame that says nothing but costs something.
        if ((header.IsControl || (header.Length == 0 && !header.Final)) && !budget.TryTake())
            return "there is a flood of control frames";
        if (header.IsControl)
            return Closed && header.Opcode == FrameOpcode.Close ? "there is a second Close" : null;
        if (Closed)
            return "there is data after the Close";
        if (header.Opcode == FrameOpcode.Continuation != _inMessage)
            return _inMessage ? "a message begins inside a fragmented one" : "a continuation continues no message";
        if (!_inMessage)
        {
            _text = header.Opcode == FrameOpcode.Text;
            _utf8 = default;
        }
        _inMessage = !header.Final;
        return null;
    }

    /// <summary>Checks a piece of a text message; <paramref name="last"/> when the message ends with it.</summary>
    public string? Text(ReadOnlySpan<byte> piece, bool last) => _utf8.Add(piece, last) ? null : "a text message is not UTF-8";

    /// <summary>Checks the payload of a Close (RFC 6455 §5.5.1, §7.4).</summary>
    public string? Close(ReadOnlySpan<byte> payload)
    {
        Closed = true;
        if (payload.IsEmpty)
            return null;
        if (payload.Length < 2 || !IsCode(BinaryPrimitives.ReadUInt16BigEndian(payload)))
            return "a Close has a code that may not be sent";
        return Utf8.IsValid(payload[2..]) ? null : "a Close has a reason that is not UTF-8";
    }

    // 1004 to 1006 and 1015 are never sent; 1012 to 1014 are registered with IANA since; 3000 to 4999 belong to libraries and applications.
    private static bool IsCode(int code) => code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
}
