using System.IO.Pipelines;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Tests.Pipeline;

public sealed class RequestBodyStreamTests
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0));
    private readonly Exchange _exchange = new();
    private readonly KestrelLike _reader;

    public RequestBodyStreamTests() => _reader = new KestrelLike(_pipe.Reader);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_hands_on_what_has_come_and_waits_for_no_more()
    {
        await using var body = new RequestBodyStream(_reader, _exchange);
        var buffer = new byte[100];
        await _pipe.Writer.WriteAsync(new byte[60], Cancel);
        Assert.Equal(60, await body.ReadAsync(buffer, Cancel));
        await _pipe.Writer.WriteAsync(new byte[150], Cancel);
        Assert.Equal(100, await body.ReadAsync(buffer, Cancel));
        Assert.Equal(50, await body.ReadAsync(buffer, Cancel));
        await _pipe.Writer.CompleteAsync();
        Assert.Equal(0, await body.ReadAsync(buffer, Cancel));
        Assert.Equal(210, _exchange.BytesIn);
    }

    [Fact]
    public async Task After_settling_no_read_is_pending_and_nothing_is_lost()
    {
        await using var body = new RequestBodyStream(_reader, _exchange);
        await _pipe.Writer.WriteAsync(new byte[60], Cancel);
        Assert.Equal(60, await body.ReadAsync(new byte[100], Cancel));
        await body.SettleAsync();
        await _pipe.Writer.WriteAsync(new byte[] { 1, 2, 3 }, Cancel);
        // Kestrel drains like this.
        var rest = await _reader.ReadAsync(Cancel);
        Assert.Equal(3, rest.Buffer.Length);
        _reader.AdvanceTo(rest.Buffer.End);
    }

    [Fact]
    public async Task A_read_that_is_called_off_throws_and_leaves_the_pipe_in_order()
    {
        await using var body = new RequestBodyStream(_reader, _exchange);
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var pending = body.ReadAsync(new byte[100], given.Token);
        await given.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await pending);
        await _pipe.Writer.WriteAsync(new byte[5], Cancel);
        Assert.Equal(5, await body.ReadAsync(new byte[100], Cancel));
        await body.SettleAsync();
    }

    /// <summary>A reader as Kestrel's for a body: a second read before the first is advanced is an error.</summary>
    private sealed class KestrelLike(PipeReader inner) : PipeReader
    {
        private bool _reads;

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            if (_reads) throw new InvalidOperationException("reading is already in progress");
            _reads = true;
            return inner.ReadAsync(cancellationToken);
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _reads = false;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();
    }
}
