using System.Net.Security;

namespace Moat.Gateway.Upstream;

/// <summary>TLS to an upstream. A write of several records leaves in one piece; see <see cref="RecordBatch"/>.</summary>
internal sealed class UpstreamStream : SslStream
{
    /// <summary>The most plaintext that one TLS record holds (RFC 8446 §5.1), in bytes.</summary>
    private const int RecordPlaintext = 16 * 1024;

    private readonly RecordBatch _batch;

    private UpstreamStream(RecordBatch batch)
        : base(batch) => _batch = batch;

    internal static async ValueTask<Stream> ConnectAsync(Stream wire, SslClientAuthenticationOptions options, CancellationToken cancel)
    {
        var stream = new UpstreamStream(new RecordBatch(wire));
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancel).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        buffer.Length <= RecordPlaintext ? base.WriteAsync(buffer, cancellationToken) : WriteManyAsync(buffer, cancellationToken);

    private async ValueTask WriteManyAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancel)
    {
        _batch.Hold();
        try
        {
            await base.WriteAsync(buffer, cancel).ConfigureAwait(false);
        }
        finally
        {
            await _batch.ReleaseAsync(cancel).ConfigureAwait(false);
        }
    }
}
