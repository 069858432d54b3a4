using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using Moat.Credentials;

namespace Moat.Gateway.Aws;

/// <summary>One request's new signature: made when its head is as it will leave, of the time that it leaves at.</summary>
internal sealed class AwsSigning : IDisposable
{
    // Nothing that AWS asks for: what a hop may change or drop, what goes with the connection, and what the signature itself is.
    private static readonly FrozenSet<string> NeverSigned = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "accept-encoding", "authorization", "connection", "content-length", "expect", "host", "range", "te", "transfer-encoding", "user-agent", "x-amzn-trace-id", "x-amz-date", AwsClaim.TokenName);

    private readonly AwsClaim _claim;
    private readonly AwsKeys _keys;
    private readonly string _payload, _time;
    private readonly AwsCredentialScope _scope;
    private readonly byte[] _key, _placeholderKey;

    /// <param name="claim">The sandbox's signature, which was found to be right.</param>
    /// <param name="keys">The credential.</param>
    /// <param name="payload">The body's hash or the word for it.</param>
    /// <param name="placeholderKey">The signing key of the sandbox, for the chunks.</param>
    /// <param name="now">The time of the new signature.</param>
    public AwsSigning(AwsClaim claim, AwsKeys keys, string payload, byte[] placeholderKey, DateTimeOffset now)
    {
        (_claim, _keys, _payload, _placeholderKey) = (claim, keys, payload, placeholderKey);
        _time = now.UtcDateTime.ToString(SigV4.TimeFormat, CultureInfo.InvariantCulture);
        _scope = claim.Scope with { Date = _time[..8] };
        _key = keys.DeriveKey(_scope);
    }

    /// <summary>True where a part of an answer is no way around redaction: the keys of S3 are in no part of what it stores.</summary>
    public bool AllowsRanges => _claim.Scope.Service == "s3";

    /// <summary>True for a header that the new signature brings itself.</summary>
    public static bool Replaces(string name) => name.Equals("Authorization", StringComparison.OrdinalIgnoreCase) || name.Equals("X-Amz-Date", StringComparison.OrdinalIgnoreCase);

    /// <summary>Signs the head, which may not change any more; returns the target to send.</summary>
    /// <param name="authority">The host as it is sent.</param>
    public string Sign(HttpRequestMessage request, string authority, string target)
    {
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = authority };
        Collect(request.Headers.NonValidated, headers);
        if (request.Content is { } content)
            Collect(content.Headers.NonValidated, headers);
        return _claim.InQuery ? SignQuery(request, headers, target) : SignHeader(request, headers, target);
    }

    /// <summary>The body with its chunks signed anew; the same one where it has none.</summary>
    /// <param name="body">As it comes.</param>
    /// <param name="isAnswered">True once its end does not matter any more.</param>
    public Stream Wrap(Stream body, Func<bool> isAnswered) => _payload is AwsChunks.Signed or AwsChunks.SignedWithTrailer
        ? new AwsChunkStream(
            body,
            new AwsChunks(_placeholderKey, _claim.Time, _claim.Scope, () => _claim.Signature),
            new AwsChunks(_key, _time, _scope, () => Signature),
            _payload == AwsChunks.SignedWithTrailer,
            isAnswered)
        : body;

    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    /// <summary>The new signature of the head; empty before it is made.</summary>
    internal string Signature { get; private set; } = "";

    private string SignHeader(HttpRequestMessage request, SortedDictionary<string, string> headers, string target)
    {
        Add(request, headers, "X-Amz-Date", _time);
        if (_keys.SessionToken.Length > 0)
            Add(request, headers, AwsClaim.TokenName, _keys.SessionToken);
        var (path, query) = AwsGate.Split(target);
        Signature = Sign(request.Method.Method, path, CanonicalRequest.Query(query), headers);
        request.Headers.TryAddWithoutValidation("Authorization", $"{SigV4.Algorithm} Credential={_keys.KeyId}/{_scope}, SignedHeaders={string.Join(';', headers.Keys)}, Signature={Signature}");
        return target;
    }

    private string SignQuery(HttpRequestMessage request, SortedDictionary<string, string> headers, string target)
    {
        var (path, query) = AwsGate.Split(target);
        var kept = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Where(pair => !IsOfSignature(Uri.UnescapeDataString(pair.Split('=')[0])));
        // A minute is enough to arrive; whoever reads the address later has nothing of it.
        List<string> own =
        [
            $"X-Amz-Algorithm={SigV4.Algorithm}", $"X-Amz-Credential={CanonicalRequest.Encode($"{_keys.KeyId}/{_scope}")}", $"X-Amz-Date={_time}", "X-Amz-Expires=60",
            $"X-Amz-SignedHeaders={CanonicalRequest.Encode(string.Join(';', headers.Keys))}",
        ];
        if (_keys.SessionToken.Length > 0)
            own.Add($"{AwsClaim.TokenName}={CanonicalRequest.Encode(_keys.SessionToken)}");
        var unsigned = string.Join('&', kept.Concat(own));
        Signature = Sign(request.Method.Method, path, CanonicalRequest.Query(unsigned), headers);
        return $"{path}?{unsigned}&X-Amz-Signature={Signature}";
    }

    private string Sign(string method, string path, string query, SortedDictionary<string, string> headers)
        => SigV4.Sign(_key, SigV4.StringToSign(_time, _scope, CanonicalRequest.Write(method, _scope.Service, path, query, [.. headers], _payload)));

    private void Collect(System.Net.Http.Headers.HttpHeadersNonValidated source, SortedDictionary<string, string> headers)
    {
        foreach (var (name, values) in source)
        {
            if (NeverSigned.Contains(name))
                continue;
            var lower = name.ToLowerInvariant();
            var isAsked = lower is "content-type" or "content-md5" || lower.StartsWith("x-amz-", StringComparison.Ordinal) || _claim.SignedHeaders.Contains(lower);
            if (!isAsked)
                continue;
            if (values.Count > 1)
                throw new InvalidOperationException("a header that has to be signed is there twice");
            headers[lower] = values.ToString();
        }
    }

    private static void Add(HttpRequestMessage request, SortedDictionary<string, string> headers, string name, string value)
    {
        request.Headers.TryAddWithoutValidation(name, value);
        headers[name.ToLowerInvariant()] = value;
    }

    private static bool IsOfSignature(string name)
        => name.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase)
            && name[6..].ToUpperInvariant() is "ALGORITHM" or "CREDENTIAL" or "DATE" or "EXPIRES" or "SIGNEDHEADERS" or "SIGNATURE" or "SECURITY-TOKEN";
}
