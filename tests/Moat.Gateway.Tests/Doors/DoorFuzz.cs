using System.Buffers;
using Moat.Gateway.Doors;
using Moat.Gateway.Tests.WebSockets;
using Moat.Gateway.WebSockets;

namespace Moat.Gateway.Tests;

/// <summary>The fuzzing targets of the gateway's door: bytes that claim to be a CONNECT head, or a client's frames. SharpFuzz calls them as they are.</summary>
internal static class DoorFuzz
{
    /// <summary>Must return, whatever the bytes are, and say the same however they are cut.</summary>
    public static void Connect(ReadOnlySpan<byte> data)
    {
        var bytes = data.ToArray();
        var status = ConnectHead.Read(new ReadOnlySequence<byte>(bytes), out var target, out var length, out _);
        if (status != ConnectHeadStatus.Complete)
            return;
        if (length > bytes.Length || target.Port is < 1 or > 65535 || target.Host.Value.Any(char.IsAsciiLetterUpper))
            throw new InvalidOperationException("the head was taken for what it is not");
    }

    /// <summary>Must return, whatever the bytes are; what passes is made of whole frames.</summary>
    public static void Frames(ReadOnlySpan<byte> data)
    {
        foreach (var fromClient in (bool[])[true, false])
        {
            var flow = new FrameFlow(fromClient, Redaction.RedactionGen.Redactor(), new ControlBudget(TimeProvider.System));
            var output = new ArrayBufferWriter<byte>();
            flow.Process(data, output);
            if (!fromClient && WebSocketFrames.Parse(output.WrittenSpan).Any(frame => frame.Opcode is not (0 or 1 or 2 or 8 or 9 or 10)))
                throw new InvalidOperationException("a frame went out that nobody may send");
        }
    }
}

public sealed class DoorFuzzTests
{
    [Theory]
    [InlineData("connect-*")]
    [InlineData("frames-*")]
    public void Mutated_seeds_neither_crash_nor_slip_through(string pattern)
    {
        var seeds = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Doors", "Corpus"), pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        Assert.True(seeds.Length >= 2);
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var data = seeds[i % seeds.Length].ToArray();
            for (var n = random.Next(0, 6); n > 0; n--)
                data[random.Next(data.Length)] = (byte)random.Next(256);
            var cut = data.AsSpan(0, random.Next(3) == 0 ? random.Next(data.Length + 1) : data.Length);
            if (pattern[0] == 'c') DoorFuzz.Connect(cut);
            else DoorFuzz.Frames(cut);
        }
    }
}
