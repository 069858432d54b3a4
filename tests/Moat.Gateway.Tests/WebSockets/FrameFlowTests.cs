using System.Buffers;
using System.Text;
using System.Text.Unicode;
using CsCheck;
using Moat.Gateway.Redaction;
using Moat.Gateway.Tests.Redaction;
using Moat.Gateway.WebSockets;

namespace Moat.Gateway.Tests.WebSockets;

/// <summary>T-52: one direction's frames, cut in every way.</summary>
public sealed class FrameFlowTests
{
    private static readonly byte[] s_secret = RedactionGen.NewSecret();

    // Where the tables of RFC 3629 §4 begin and end.
    private static readonly byte[] s_edges = [0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0x41];

    public static IEnumerable<TheoryDataRow<bool, string, byte[]>> Violations() =>
        from client in (bool[])[true, false] from bad in Violations(client) select new TheoryDataRow<bool, string, byte[]>(client, bad.Name, bad.Bytes);

    private static List<(string Name, byte[] Bytes)> Violations(bool mask)
    {
        byte[] text = [.. "hello"u8];
        return
        [
            ("the other side's mask bit", WebSocketFrames.Make(1, text, mask: !mask)),
            ("RSV1 without an extension", WebSocketFrames.Make(1, text, mask: mask, reserved: 4)),
            ("RSV2", WebSocketFrames.Make(2, text, mask: mask, reserved: 2)),
            ("RSV3 on a control frame", WebSocketFrames.Make(9, text, mask: mask, reserved: 1)),
            ("reserved data opcode", WebSocketFrames.Make(3, text, mask: mask)),
            ("reserved data opcode 7", WebSocketFrames.Make(7, text, mask: mask)),
            ("reserved control opcode", WebSocketFrames.Make(11, text, mask: mask)),
            ("reserved control opcode F", WebSocketFrames.Make(15, text, mask: mask)),
            ("long ping", WebSocketFrames.Make(9, new byte[126], mask: mask)),
            ("long close", WebSocketFrames.Make(8, new byte[70_000], mask: mask)),
            ("fragmented ping", WebSocketFrames.Make(9, text, final: false, mask: mask)),
            ("fragmented close", WebSocketFrames.Make(8, [], final: false, mask: mask)),
            ("16 bits of length for 5", WebSocketFrames.Make(1, text, mask: mask, lengthBytes: 2)),
            ("64 bits of length for 5", WebSocketFrames.Make(1, text, mask: mask, lengthBytes: 8)),
            ("64 bits of length for 65535", WebSocketFrames.Make(2, new byte[65535], mask: mask, lengthBytes: 8)),
            ("negative length", WebSocketFrames.Make(2, text, mask: mask, lengthBytes: 8, length: long.MinValue + 5)),
            ("control frame with 16 bits of length", WebSocketFrames.Make(9, text, mask: mask, lengthBytes: 2)),
            ("continuation of nothing", WebSocketFrames.Make(0, text, mask: mask)),
            ("message inside a message", [.. WebSocketFrames.Make(1, text, final: false, mask: mask), .. WebSocketFrames.Make(2, text, mask: mask)]),
            ("text that is no UTF-8", WebSocketFrames.Make(1, [0xC3, 0x28], mask: mask)),
            ("a surrogate in UTF-8", WebSocketFrames.Make(1, [0xED, 0xA0, 0x80], mask: mask)),
            ("text that ends inside a character", WebSocketFrames.Make(1, [0xE2, 0x82], mask: mask)),
            ("a fragment that breaks a character", [.. WebSocketFrames.Make(1, [0xE2, 0x82], final: false, mask: mask), .. WebSocketFrames.Make(0, [0x41], mask: mask)]),
            ("close with one byte", WebSocketFrames.Make(8, [3], mask: mask)),
            ("close 1005", WebSocketFrames.CloseFrame(1005, [], mask)),
            ("close 1006", WebSocketFrames.CloseFrame(1006, [], mask)),
            ("close 1015", WebSocketFrames.CloseFrame(1015, [], mask)),
            ("close 999", WebSocketFrames.CloseFrame(999, [], mask)),
            ("close 2999", WebSocketFrames.CloseFrame(2999, [], mask)),
            ("close 5000", WebSocketFrames.CloseFrame(5000, [], mask)),
            ("close with a reason that is no UTF-8", WebSocketFrames.CloseFrame(1000, [0xFF], mask)),
            ("two closes", [.. WebSocketFrames.CloseFrame(1000, [], mask), .. WebSocketFrames.CloseFrame(1000, [], mask)]),
            ("data after the close", [.. WebSocketFrames.CloseFrame(1000, [], mask), .. WebSocketFrames.Make(1, text, mask: mask)]),
            ("a request", [.. "GET / HTTP/1.1\r\n\r\n"u8]),
        ];
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public void T_52_a_frame_that_the_standard_forbids_is_a_violation_and_is_not_passed_on(bool fromClient, string name, byte[] bytes)
    {
        foreach (var pieces in (byte[][][])[[bytes], [.. bytes.Select(b => new[] { b })]])
        {
            var (output, violation) = Run(fromClient, pieces);
            Assert.True(violation is not null, name);
            Assert.True(WebSocketFrames.Parse(output).Sum(frame => frame.Payload.Length) < bytes.Length - 1, name);
        }
    }

    [Fact]
    public void Good_frames_pass_whatever_their_pieces()
    {
        var conversation = new byte[][]
        {
            WebSocketFrames.Make(1, "h\u00e9llo \u20ac \ud83d\ude00"u8), WebSocketFrames.Make(1, []), WebSocketFrames.Make(2, new byte[125]), WebSocketFrames.Make(2, new byte[126]),
            WebSocketFrames.Make(2, new byte[70_000]), WebSocketFrames.Make(1, [0xE2, 0x82], final: false), WebSocketFrames.Make(9, "are you there"u8), WebSocketFrames.Make(0, [], final: false),
            WebSocketFrames.Make(0, [0xAC]), WebSocketFrames.Make(10, []), WebSocketFrames.CloseFrame(3000, [.. "bye \u20ac"u8]), WebSocketFrames.Make(10, []),
        }.SelectMany(frame => frame).ToArray();
        Gen.Int[1, 5000].Array[1, 40].Sample(sizes =>
        {
            var (output, violation) = Run(fromClient: true, Cut(conversation, sizes));
            Assert.Null(violation);
            // All as it was but the pong after the Close, which nobody waits for.
            Assert.Equal(conversation[..^6], output);
        }, iter: 60);
    }

    [Fact]
    public void T_52_a_secret_is_masked_however_it_is_cut_into_frames_and_reads()
    {
        using var redactor = RedactionGen.Redactor(s_secret);
        var forms = SecretSpellings.Of(s_secret);
        var gen = Gen.Select(Gen.OneOf(Gen.Int[0, 300].Select(n => Encoding.ASCII.GetBytes(new string('x', n))), Gen.Int[0, forms.Count - 1].Select(i => forms[i]), Gen.Int[1, s_secret.Length - 1].Select(n => s_secret[..n])).Array[1, 6],
            Gen.Int[0, 30].Array[0, 12], Gen.Int[1, 60].Array[1, 20], Gen.Bool);
        gen.Sample((parts, cuts, reads, text) =>
        {
            byte[] message = [.. parts.SelectMany(part => part)];
            if (text && !Utf8.IsValid(message)) text = false;
            var wire = new MemoryStream();
            var fragments = Cut(message, [.. cuts, int.MaxValue]).ToList();
            if (fragments.Count == 0) fragments.Add([]);
            for (var i = 0; i < fragments.Count; i++)
            {
                wire.Write(WebSocketFrames.Make(i > 0 ? 0 : text ? 1 : 2, fragments[i], final: i == fragments.Count - 1, mask: false));
                if (i % 3 == 1) wire.Write(WebSocketFrames.Make(9, "ping"u8, mask: false));
            }
            var (output, violation) = Run(fromClient: false, Cut(wire.ToArray(), reads), redactor);
            Assert.Null(violation);
            var frames = WebSocketFrames.Parse(output);
            var (messages, controls) = WebSocketFrames.Join(frames);
            Assert.Equal(RedactionGen.Oracle(message, forms), Assert.Single(messages));
            Assert.Equal(text ? 1 : 2, frames.First(frame => frame.Opcode < 8).Opcode);
            Assert.All(controls, ping => Assert.Equal("ping", ping.Text));
        }, iter: 2000);
    }

    [Fact]
    public void T_52_a_secret_in_a_control_frame_is_masked()
    {
        using var redactor = RedactionGen.Redactor(s_secret);
        var (output, violation) = Run(fromClient: false, [WebSocketFrames.Make(9, s_secret, mask: false), WebSocketFrames.CloseFrame(1000, s_secret, mask: false)], redactor);
        Assert.Null(violation);
        Assert.Equal(2, WebSocketFrames.Parse(output).Count);
        Assert.False(RedactionGen.Contains(output, s_secret));
    }

    [Fact]
    public void A_control_frame_does_not_wait_for_what_the_redactor_holds_back()
    {
        using var redactor = RedactionGen.Redactor(s_secret);
        var flow = Flow(fromClient: false, redactor);
        var output = new ArrayBufferWriter<byte>();
        flow.Process(WebSocketFrames.Make(1, s_secret.AsSpan(0, 20), final: false, mask: false), output);
        flow.Process(WebSocketFrames.Make(9, "now"u8, mask: false), output);
        Assert.Equal("now", Assert.Single(WebSocketFrames.Parse(output.WrittenSpan), frame => frame.Opcode == 9).Text);
    }

    [Theory]
    [InlineData(9, 0, true)]
    [InlineData(10, 4, true)]
    [InlineData(0, 0, false)]
    public void T_52_a_flood_of_frames_that_say_nothing_is_a_violation_and_a_heartbeat_is_none(int opcode, int size, bool final)
    {
        var time = new StoppedTime();
        var flow = Flow(fromClient: true, null, time);
        var output = new ArrayBufferWriter<byte>();
        if (opcode == 0) flow.Process(WebSocketFrames.Make(1, [1], final: false), output);
        var frame = WebSocketFrames.Make(opcode, new byte[size], final);
        for (var second = 0; second < 1000; second++)
        {
            for (var i = 0; i < ControlBudget.PerSecond; i++) flow.Process(frame, output);
            time.Now += TimeSpan.TicksPerSecond;
        }
        Assert.Null(flow.Violation);
        for (var i = 0; i <= ControlBudget.Burst; i++) flow.Process(frame, output);
        Assert.NotNull(flow.Violation);
    }

    [Fact]
    public void Pieces_of_a_text_are_UTF_8_exactly_when_the_whole_is()
    {
        var bytes = Gen.OneOf(Gen.Byte.Array[0, 12], Gen.Char.Array[0, 8].Select(chars => Encoding.UTF8.GetBytes(chars)),
            Gen.Int[0, s_edges.Length - 1].Select(i => s_edges[i]).Array[0, 8]);
        Gen.Select(bytes, Gen.Int[1, 4].Array[1, 12]).Sample((text, sizes) =>
        {
            var check = new Utf8Check();
            var pieces = Cut(text, sizes).ToList();
            var good = pieces.Count == 0 ? check.Add([], true) : pieces.Select((piece, i) => check.Add(piece, i == pieces.Count - 1)).All(valid => valid);
            Assert.Equal(Utf8.IsValid(text), good);
        }, iter: 50_000);
    }

    [Fact]
    public void T_52_a_frame_of_any_length_takes_constant_memory()
    {
        using var redactor = RedactionGen.Redactor(s_secret);
        var flow = Flow(fromClient: false, redactor);
        var output = new ArrayBufferWriter<byte>();
        flow.Process(WebSocketFrames.Make(2, [], mask: false, length: 1L << 40), output);
        var piece = new byte[16 * 1024];
        flow.Process(piece, output);
        output.ResetWrittenCount();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            flow.Process(piece, output);
            Assert.Equal(piece.Length + 4, output.WrittenCount);
            output.ResetWrittenCount();
        }
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1024 * 1024);
    }

    private static FrameFlow Flow(bool fromClient, SecretRedactor? redactor, TimeProvider? time = null) =>
        new(fromClient, redactor ?? RedactionGen.Redactor(), new ControlBudget(time ?? new StoppedTime()));

    private static (byte[] Output, string? Violation) Run(bool fromClient, IEnumerable<byte[]> pieces, SecretRedactor? redactor = null)
    {
        var flow = Flow(fromClient, redactor);
        var output = new ArrayBufferWriter<byte>();
        foreach (var piece in pieces) flow.Process(piece, output);
        return (output.WrittenSpan.ToArray(), flow.Violation);
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes, int[] sizes)
    {
        for (int at = 0, i = 0; at < bytes.Length; i++)
        {
            var size = Math.Min(sizes[i % sizes.Length], bytes.Length - at);
            yield return bytes[at..(at + size)];
            at += size;
        }
    }

    private sealed class StoppedTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}
