using System.Text;
using CsCheck;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.Tests.Redaction;

public class StreamRedactionTests
{
    // Texts of a tiny alphabet with forms of the same alphabet: matches, near misses and overlaps everywhere.
    private static readonly Gen<(byte[][] Forms, byte[] Text, int[] Cuts)> s_dense =
        Gen.Select(
            Gen.Byte[97, 98].Array[4, 12].Array[1, 5],
            Gen.Byte[97, 99].Array[0, 120],
            Gen.Int[1, 9].Array[1, 40]);

    [Fact]
    public void Every_split_of_overlapping_forms_equals_the_whole_body_oracle()
        => s_dense.Sample(input => Redacted(input.Forms, input.Text, input.Cuts).SequenceEqual(RedactionGen.Oracle(input.Text, input.Forms)), iter: 20_000);

    [Fact]
    public void Held_bytes_are_exactly_the_longest_open_beginning_of_a_form()
        => s_dense.Sample(input =>
        {
            using var redactor = new SecretRedactor(input.Forms.Select(form => form.ToArray()));
            var window = new RedactionWindow(redactor);
            var buffer = new byte[1024];
            var given = 0;
            foreach (var cut in input.Cuts)
            {
                var piece = input.Text.AsSpan(given, Math.Min(cut, input.Text.Length - given));
                var held = window.Restore(buffer);
                piece.CopyTo(buffer.AsSpan(held));
                window.Settle(buffer.AsSpan(0, held + piece.Length), final: false);
                given += piece.Length;
                var sent = input.Text.AsSpan(0, given);
                var open = 0;
                for (var length = 1; length <= sent.Length; length++)
                    foreach (var form in input.Forms)
                        if (form.Length > length && sent.EndsWith(form.AsSpan(0, length))) open = length;
                if (window.HeldLength != open) return false;
            }
            return true;
        }, iter: 5_000);

    [Fact]
    public void Every_cut_through_every_spelling_leaves_no_spelling()
    {
        var secret = RedactionGen.NewSpecialSecret();
        var forms = SecretSpellings.Of(secret);
        foreach (var form in forms)
        {
            byte[] text = [.. "event: x\ndata: "u8, .. form, .. "\n\n"u8];
            for (var cut = 0; cut <= text.Length; cut++)
            {
                var redacted = Redacted(forms, text, [Math.Max(cut, 1), Math.Max(text.Length - cut, 1)]);
                Assert.Equal(text.Length, redacted.Length);
                Assert.False(RedactionGen.Contains(redacted, form));
                Assert.StartsWith("event: x\ndata: [moat:re", Encoding.Latin1.GetString(redacted));
                Assert.EndsWith("\n\n", Encoding.Latin1.GetString(redacted));
            }
        }
    }

    [Fact]
    public void Clean_data_passes_byte_for_byte_for_every_split()
    {
        using var redactor = RedactionGen.Redactor(RedactionGen.NewSecret(), RedactionGen.NewSecret());
        Gen.Select(Gen.Byte.Array[0, 5000], Gen.Int[1, 700].Array[1, 20]).Sample((text, cuts) =>
            RedactionGen.ReadAllAsync(new RedactingStream(new PieceStream(Pieces(text, cuts)), redactor)).GetAwaiter().GetResult().SequenceEqual(text), iter: 300);
    }

    [Fact]
    public async Task An_event_goes_out_with_the_read_that_brought_it()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        var pieces = new PieceStream(Enumerable.Range(1, 20).Select(i => Encoding.ASCII.GetBytes($"data: {i:00}\n\n")));
        await using var stream = new RedactingStream(pieces, redactor);
        var buffer = new byte[64 * 1024];
        for (var i = 1; i <= 20; i++)
        {
            Assert.Equal(10, await stream.ReadAsync(buffer, TestContext.Current.CancellationToken));
            Assert.Equal(i, pieces.Reads);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(300)]
    [InlineData(65536)]
    public async Task Any_size_of_the_callers_buffer_gives_the_same(int bufferLength)
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        byte[] text = [.. Enumerable.Repeat((byte)'x', 20_000), .. secret, .. Enumerable.Repeat((byte)'y', 20_000), .. secret];
        var expected = RedactionGen.Oracle(text, SecretSpellings.Of(secret));
        await using var stream = new RedactingStream(new PieceStream(Pieces(text, [333])), redactor);
        Assert.Equal(expected, await RedactionGen.ReadAllAsync(stream, bufferLength));
    }

    [Fact]
    public async Task A_pooled_window_brings_nothing_of_its_last_stream_along()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        for (var stream = 0; stream < 3; stream++)
        {
            // Nothing but a secret, to its very end: whatever the window remembered would show at the next one's start.
            var seen = await RedactionGen.ReadAllAsync(new RedactingStream(new PieceStream([secret]), redactor));
            Assert.Equal("[moat:redacted]", Encoding.ASCII.GetString(seen)[..15]);
        }
    }

    [Fact]
    public async Task A_secret_that_ends_with_the_stream_is_masked_and_a_beginning_of_one_is_not_lost()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        Assert.Equal("[moat:redacted]", Encoding.ASCII.GetString(await RedactionGen.ReadAllAsync(new RedactingStream(new PieceStream([secret]), redactor)))[..15]);
        Assert.Equal(secret[..20], await RedactionGen.ReadAllAsync(new RedactingStream(new PieceStream([secret[..20]]), redactor)));
    }

    [Fact]
    public async Task Both_directions_of_an_upgraded_stream_work_and_only_reads_are_masked()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        // RFC 6455 §5.2: an unmasked text frame of the server.
        var connection = new PieceStream([[0x81, (byte)secret.Length, .. secret]]);
        await using var stream = new RedactingStream(connection, redactor);
        await stream.WriteAsync(secret, TestContext.Current.CancellationToken);
        var frame = await RedactionGen.ReadAllAsync(stream);
        Assert.Equal(secret, connection.Written.ToArray());
        Assert.Equal([0x81, (byte)secret.Length], frame[..2]);
        Assert.Equal(secret.Length + 2, frame.Length);
        Assert.False(RedactionGen.Contains(frame, secret));
    }

    [Fact]
    public void A_disposed_redactor_lets_nothing_through()
    {
        var redactor = RedactionGen.Redactor(RedactionGen.NewSecret());
        var window = new RedactionWindow(redactor);
        redactor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => window.Settle(new byte[100], final: false));
    }

    private static byte[] Redacted(IReadOnlyList<byte[]> forms, byte[] text, int[] cuts)
    {
        using var redactor = new SecretRedactor(forms.Select(form => form.ToArray()));
        return RedactionGen.ReadAllAsync(new RedactingStream(new PieceStream(Pieces(text, cuts)), redactor)).GetAwaiter().GetResult();
    }

    private static IEnumerable<byte[]> Pieces(byte[] text, int[] cuts)
    {
        var at = 0;
        for (var i = 0; at < text.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], text.Length - at);
            yield return text[at..(at + length)];
            at += length;
        }
    }
}
