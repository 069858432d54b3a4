using System.Net;

namespace Moat.Gateway.Pipeline;

/// <summary>A response's body with <see cref="RelayStream"/> around it. The upstream content lives until this is disposed.</summary>
internal sealed class RelayContent(HttpContent inner, Exchange exchange) : HttpContent
{
    protected override async Task<Stream> CreateContentReadStreamAsync() => await CreateContentReadStreamAsync(CancellationToken.None);

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        new RelayStream(await inner.ReadAsStreamAsync(cancellationToken), exchange, RelayStream.Direction.Response);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException("the body is read, not written");

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
