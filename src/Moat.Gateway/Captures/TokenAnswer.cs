using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moat.Credentials;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.Captures;

/// <summary>
/// An answer that holds tokens (RFC 6749 §5.1): read whole, up to <see cref="MaxLength"/>, before a byte of it goes on; each
/// token in it is kept and its placeholder written in its stead, every other byte stays. A success that cannot be read
/// so is refused, for whatever is in it could be a token.
/// </summary>
internal static class TokenAnswer
{
    /// <summary>Bytes of an answer, decoded.</summary>
    public const int MaxLength = 256 * 1024;

    /// <summary>Asks for the whole answer, uncoded.</summary>
    public static void Prepare(HttpRequestMessage request)
    {
        request.Headers.Remove("Accept-Encoding");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        request.Headers.Remove("Range");
        request.Headers.Remove("If-Range");
    }

    /// <exception cref="RedactionRefusedException">The answer is a success and no JSON that can be read in one way alone.</exception>
    public static async Task CaptureAsync(HttpResponseMessage response, CaptureBook book, CapturePlace place, CancellationToken ct)
    {
        if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
            throw Refused("changed the protocol");
        if (!response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NoContent || response.RequestMessage?.Method == HttpMethod.Head)
            return;
        if (response.StatusCode == HttpStatusCode.PartialContent)
            throw Refused("is a part of an answer");
        var codings = ContentCodings.Parse(response.Content.Headers.ContentEncoding) ?? throw Refused("is in a content coding that the gateway cannot read");
        var buffer = GC.AllocateUninitializedArray<byte>(MaxLength + 1, pinned: true);
        try
        {
            var length = await ReadAsync(response.Content, codings, buffer, ct);
            if (length > MaxLength)
                throw Refused($"is longer than {MaxLength / 1024} KiB");
            if (length > 0)
                Replace(response, Rewrite(buffer.AsSpan(0, length), (kind, token) => book.Add(place, kind, token)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    /// <summary>The JSON with a placeholder in each token's stead.</summary>
    internal static byte[] Rewrite(ReadOnlySpan<byte> json, TokenKeeper keep)
    {
        var result = new MemoryStream(json.Length);
        var done = 0;
        // Names by object: a name that is there twice is read in two ways by two clients.
        var names = new Stack<HashSet<string>>();
        CapturedKind? kind = null;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 32 });
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject:
                        names.Push(new HashSet<string>(StringComparer.OrdinalIgnoreCase));
                        break;
                    case JsonTokenType.EndObject:
                        names.Pop();
                        break;
                    case JsonTokenType.PropertyName:
                        var name = reader.GetString()!;
                        kind = KindOf(name);
                        if (!names.Peek().Add(name) && kind is not null)
                            throw Refused("holds a token twice");
                        continue;
                    case JsonTokenType.String when kind is { } token && reader.ValueSpan.Length > 0:
                        var start = (int)reader.TokenStartIndex + 1;
                        result.Write(json[done..start]);
                        result.Write(Encoding.ASCII.GetBytes(Keep(ref reader, token, keep)));
                        done = start + reader.ValueSpan.Length;
                        break;
                }
                kind = null;
            }
        }
        catch (JsonException)
        {
            throw Refused("is no JSON");
        }
        result.Write(json[done..]);
        return result.ToArray();
    }

    private static string Keep(ref Utf8JsonReader reader, CapturedKind kind, TokenKeeper keep)
    {
        var token = GC.AllocateUninitializedArray<byte>(reader.ValueSpan.Length, pinned: true);
        try
        {
            var length = reader.CopyString(token);
            return CapturedToken.IsToken(token.AsSpan(0, length)) ? keep(kind, token.AsSpan(0, length)) : throw Refused("holds a token of an unknown form");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(token);
        }
    }

    // Some clients read names in any case (Go's encoding/json).
    private static CapturedKind? KindOf(string name) => name.ToLowerInvariant() switch
    {
        "access_token" or "token" => CapturedKind.Access,
        "refresh_token" => CapturedKind.Refresh,
        "id_token" => CapturedKind.Identity,
        _ => null,
    };

    private static async Task<int> ReadAsync(HttpContent content, List<string> codings, byte[] buffer, CancellationToken ct)
    {
        try
        {
            await using var body = ContentCodings.Decode(await content.ReadAsStreamAsync(ct), codings);
            return await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdSharp.ZstdException or InvalidOperationException)
        {
            throw Refused("is not in the content coding that it names");
        }
    }

    private static void Replace(HttpResponseMessage response, byte[] body)
    {
        var content = new ByteArrayContent(body);
        foreach (var (name, values) in response.Content.Headers.NonValidated)
        {
            if (!name.Equals("Content-Encoding", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-MD5", StringComparison.OrdinalIgnoreCase))
                content.Headers.TryAddWithoutValidation(name, values);
        }
        content.Headers.ContentLength = body.Length;
        response.Content.Dispose();
        response.Content = content;
    }

    private static RedactionRefusedException Refused(string what) => new($"the answer of an endpoint that gives tokens {what}, so the gateway cannot keep the tokens from the sandbox");
}

/// <summary>Keeps a token and gives its placeholder.</summary>
internal delegate string TokenKeeper(CapturedKind kind, ReadOnlySpan<byte> token);
