using System.Buffers;
using System.Text;
using CsCheck;
using Moat.Gateway.Doors;

namespace Moat.Gateway.Tests;

public sealed class ConnectHeadTests
{
    private const string Good = "CONNECT Api.Moat.Test:8443 HTTP/1.1\r\nHost: api.moat.test:8443\r\nUser-Agent: x\r\n\r\nrest";

    [Fact]
    public void A_head_is_read_the_same_however_its_bytes_arrive()
    {
        var bytes = Encoding.ASCII.GetBytes(Good);
        var end = Good.Length - "rest".Length;
        for (var count = 0; count <= bytes.Length; count++)
        {
            var status = ConnectHead.Read(Segmented(bytes.AsMemory(0, count)), out var target, out var length, out _);
            if (count < end)
            {
                Assert.Equal(ConnectHeadStatus.Incomplete, status);
                continue;
            }
            Assert.Equal((ConnectHeadStatus.Complete, end), (status, length));
            Assert.Equal(("api.moat.test", 8443), (target.Host.Value, target.Port));
        }
    }

    [Theory]
    [InlineData("GET http://api.moat.test/ HTTP/1.1\r\n\r\n")]
    [InlineData("connect api.moat.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("\r\nCONNECT api.moat.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECTX")]
    [InlineData("G")]
    public void Another_method_is_an_HTTP_servers_business(string text) =>
        Assert.Equal(ConnectHeadStatus.NotConnect, ConnectHead.Read(Segmented(Encoding.ASCII.GetBytes(text)), out _, out _, out _));

    [Fact]
    public void Random_bytes_never_throw_and_what_is_taken_is_canonical() =>
        Gen.Char["CONET :.[]abz019@/\\%#\r\n\t\0\u007f\u00e9"].Array[0, 60].Sample(chars =>
        {
            var bytes = Encoding.Latin1.GetBytes("CONNECT " + new string(chars) + " HTTP/1.1\r\n\r\n");
            if (ConnectHead.Read(Segmented(bytes), out var target, out var length, out _) != ConnectHeadStatus.Complete)
                return;
            Assert.InRange(length, 1, bytes.Length);
            Assert.InRange(target.Port, 1, 65535);
            Assert.Equal(target.Host.Value.ToLowerInvariant(), target.Host.Value);
            Assert.DoesNotContain('@', target.Host.Value);
        });

    /// <summary>One byte a segment: no code may rely on a token lying in one piece.</summary>
    private static ReadOnlySequence<byte> Segmented(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 2)
            return new ReadOnlySequence<byte>(bytes);
        var first = new Segment(bytes[..1], null);
        var last = first;
        for (var i = 1; i < bytes.Length; i++)
            last = new Segment(bytes.Slice(i, 1), last);
        return new ReadOnlySequence<byte>(first, 0, last, 1);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
