using CsCheck;
using Moat.Linux.Control;
using Moat.Linux.Processes;

namespace Moat.Linux.Tests;

public sealed class ControlTests
{
    [Fact]
    public void A_frame_reads_as_it_was_written() => Gen.Select(Gen.Int, Gen.Long, Gen.String[Gen.Char['\u0001', '\ud7ff'], 0, 50], Gen.String[Gen.Char['a', 'z'], 0, 9].Array[0, 20]).Sample((number, large, text, texts) =>
    {
        var frame = new FrameReader(new FrameWriter(FrameKind.Start).Int(number).Long(large).Text(text).Texts(texts).ToArray());
        Assert.Equal(FrameKind.Start, frame.Kind);
        Assert.Equal(number, frame.Int());
        Assert.Equal(large, frame.Long());
        Assert.Equal(text, frame.Text());
        Assert.Equal(texts, frame.Texts());
    });

    [Theory]
    [InlineData(1)]
    [InlineData(70_000)]
    [InlineData(4 << 20)]
    public async Task A_frame_of_any_size_arrives_whole_with_its_descriptors(int size)
    {
        var (one, other) = Descriptors.SocketPair();
        var (read, write) = Descriptors.Pipe();
        var (sender, receiver) = (new ControlChannel(one), new ControlChannel(other));
        var bytes = new byte[size];
        Random.Shared.NextBytes(bytes);
        var sending = Task.Run(() => sender.Send(bytes, [(int)write.DangerousGetHandle()]), TestContext.Current.CancellationToken);
        var got = receiver.Receive();
        await sending;
        Assert.NotNull(got);
        Assert.Equal(bytes, got.Value.Frame);
        var passed = new Microsoft.Win32.SafeHandles.SafeFileHandle(Assert.Single(got.Value.Descriptors), ownsHandle: true);
        write.Dispose();
        using (var writer = new FileStream(passed, FileAccess.Write)) writer.Write("through"u8);
        using var reader = new StreamReader(new FileStream(read, FileAccess.Read));
        Assert.Equal("through", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        _ = Libc.close(one);
        Assert.Null(receiver.Receive());
        Assert.Throws<IOException>(() => receiver.Send([1]));
        _ = Libc.close(other);
    }
}
