using System.Net;

namespace Moat.Gateway.Redaction;

/// <summary>A response's body with the secrets masked, decoded where it was compressed.</summary>
internal sealed class RedactedContent : HttpContent
{
    private readonly HttpContent _body;
    private readonly List<string> _codings;
    private readonly SecretRedactor _redactor;
    private readonly Action _atEnd;

    internal RedactedContent(HttpContent body, List<string> codings, SecretRedactor redactor, Action atEnd)
    {
        (_body, _codings, _redactor, _atEnd) = (body, codings, redactor, atEnd);
        foreach (var (name, values) in body.Headers.NonValidated)
        {
            // What was decoded has another length, and nobody knows it before the end.
            if (codings.Count > 0 && (name.Equals("Content-Encoding", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))) continue;
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task<Stream> CreateContentReadStreamAsync() => CreateContentReadStreamAsync(CancellationToken.None);

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken)
    {
        var body = await _body.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return new RedactingStream(ContentCodings.Decode(body, _codings), _redactor, _atEnd);
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var body = await CreateContentReadStreamAsync().ConfigureAwait(false);
        await using (body.ConfigureAwait(false)) await body.CopyToAsync(stream).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _body.Dispose();
        base.Dispose(disposing);
    }
}
