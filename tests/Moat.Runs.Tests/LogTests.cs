using System.Text;
using CsCheck;

namespace Moat.Runs.Tests;

public class LogTests
{
    private static readonly Gen<byte[]> s_text = Gen.Char["ab\r\né€"].Array[0, 60_000].Select(chars => Encoding.UTF8.GetBytes(chars));

    [Fact]
    public void Chunks_and_lines_put_together_are_what_came_however_it_was_split()
    {
        Gen.Select(s_text, Gen.Int[1, 40_000].Array[1, 8]).Sample((text, sizes) =>
        {
            using var redactor = new LogRedactor([]);
            var got = new MemoryStream();
            var splitter = new LineSplitter(redactor, (line, partial) =>
            {
                Assert.True(line.Length <= LineSplitter.MaxChunk);
                got.Write(line.Span);
                if (!partial) got.WriteByte((byte)'\n');
            });
            var at = 0;
            for (var i = 0; at < text.Length; i++)
            {
                var size = Math.Min(sizes[i % sizes.Length], text.Length - at);
                splitter.Add(text.AsSpan(at, size));
                at += size;
            }

            splitter.Complete();
            var expected = Encoding.UTF8.GetString(text).Replace("\r\n", "\n", StringComparison.Ordinal);
            if (expected.EndsWith('\r')) expected = expected[..^1] + "\n";
            else if (expected.Length > 0 && !expected.EndsWith('\n')) expected += "\n";
            Assert.Equal(expected, Encoding.UTF8.GetString(got.ToArray()));
        }, iter: 60);
    }

    [Fact]
    public void A_secret_is_masked_wherever_a_long_line_is_cut()
    {
        using var scratch = new Scratch();
        var secret = Scratch.NewSecret();
        var grants = scratch.Grant(secret);
        for (var before = LineSplitter.MaxChunk - 120; before < LineSplitter.MaxChunk + 120; before += 7)
        {
            using var redactor = new LogRedactor(grants);
            var got = new StringBuilder();
            var splitter = new LineSplitter(redactor, (line, _) => got.Append(Encoding.UTF8.GetString(line.Span)));
            var text = Encoding.UTF8.GetBytes(new string('x', before) + secret + new string('y', 40_000));
            for (var at = 0; at < text.Length; at += 1000) splitter.Add(text.AsSpan(at, Math.Min(1000, text.Length - at)));
            splitter.Complete();
            Assert.Equal(text.Length, got.Length);
            Assert.DoesNotContain(secret, got.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret[10..], got.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_follower_sees_each_line_as_it_comes_and_ends_with_the_run()
    {
        using var scratch = new Scratch();
        var run = scratch.Store.Create(Scratch.Spec());
        using var log = new RunLog(run.Folder.LogPath, new LogRedactor([]));
        var sink = log.Open("stdout");
        sink.Add("first\nsecond\n"u8);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var lines = LogReader.FollowAsync(run.Folder, 1, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await lines.MoveNextAsync());
        Assert.Equal("second", lines.Current.Line);
        sink.Add("third\n"u8);
        Assert.True(await lines.MoveNextAsync());
        Assert.Equal("third", lines.Current.Line);
        sink.Add("last\n"u8);
        run.Dispose();
        Assert.True(await lines.MoveNextAsync());
        Assert.Equal("last", lines.Current.Line);
        Assert.False(await lines.MoveNextAsync());
        Assert.Equal(["third", "last"], LogReader.Tail(run.Folder, 2).Select(line => line.Line));
    }
}
