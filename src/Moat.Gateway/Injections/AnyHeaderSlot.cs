using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Injections;

/// <summary>
/// The headers in which a secret without a header of its own is looked for: every one but those that no service reads a
/// credential from, and that end up in logs and caches.
/// </summary>
internal static class AnyHeaderSlot
{
    private static readonly FrozenSet<string> Others = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "User-Agent", "Referer", "Origin", "Cookie", "Host", "From", "Via", "Forwarded", "Date", "Range", "Expect", "Baggage", "Traceparent", "Tracestate", "Cache-Control", "Pragma", "DNT");

    private static readonly string[] Families = ["Accept", "Content-", "If-", "Sec-", "X-Forwarded-", "X-Request-", "Access-Control-"];

    /// <summary>1 where a header holds the placeholder, in however many; else 0.</summary>
    public static int Count(IHeaderDictionary headers, string placeholder)
    {
        foreach (var (name, values) in headers)
        {
            if (MayHold(name) && HeaderSlot.Holds(values, placeholder))
                return 1;
        }
        return 0;
    }

    public static void Replace(HttpRequestMessage request, string placeholder, string secret)
    {
        List<(string Name, string[] Values)>? changed = null;
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (!MayHold(name))
                continue;
            var written = values.Select(value => HeaderSlot.Replace(value, placeholder, secret)).ToArray();
            if (!written.SequenceEqual(values, StringComparer.Ordinal))
                (changed ??= []).Add((name, written));
        }
        foreach (var (name, values) in changed ?? [])
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, values);
        }
    }

    private static bool MayHold(string name)
    {
        if (Others.Contains(name))
            return false;
        foreach (var family in Families)
        {
            if (name.StartsWith(family, StringComparison.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }
}
