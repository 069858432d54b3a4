using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;

namespace Moat.Credentials;

/// <summary>One challenge of a <c>WWW-Authenticate</c> header (RFC 9110 §11.6.1) with its parameters, names in lower case.</summary>
internal sealed record AuthChallenge(string Scheme, ImmutableDictionary<string, string> Parameters)
{
    /// <summary>The parameters of the first challenge of a scheme; null when there is none, or when one of them is there twice.</summary>
    internal static AuthChallenge? Find(HttpResponseHeaders headers, string scheme)
    {
        foreach (var value in headers.WwwAuthenticate)
        {
            if (value.Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase)) return Parse(scheme, value.Parameter ?? "");
        }
        return null;
    }

    private static AuthChallenge? Parse(string scheme, string text)
    {
        var found = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        for (var at = 0; at < text.Length;)
        {
            if (text[at] is ' ' or '\t' or ',')
            {
                at++;
                continue;
            }
            var equals = text.IndexOf('=', at);
            if (equals < 0) return null;
            var name = text[at..equals].Trim().ToLowerInvariant();
            at = equals + 1;
            var value = new StringBuilder();
            if (at < text.Length && text[at] == '"')
            {
                for (at++; at < text.Length && text[at] != '"'; at++)
                {
                    if (text[at] == '\\' && at + 1 < text.Length) at++;
                    value.Append(text[at]);
                }
                if (at == text.Length) return null;
                at++;
            }
            else
            {
                for (; at < text.Length && text[at] is not (',' or ' '); at++) value.Append(text[at]);
            }
            if (!found.TryAdd(name, value.ToString())) return null;
        }
        return new AuthChallenge(scheme, found.ToImmutable());
    }
}
