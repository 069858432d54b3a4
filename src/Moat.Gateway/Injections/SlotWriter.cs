using Microsoft.Net.Http.Headers;
using Moat.Credentials;

namespace Moat.Gateway.Injections;

/// <summary>Replaces a placeholder outside of the header that is a credential's own. A body is written where it is read (<see cref="FieldBody"/>).</summary>
internal static class SlotWriter
{
    /// <summary>Adds a value to a header that is a list (RFC 9110 §5.6.1), unless it is in it already.</summary>
    public static void AddToList(HttpRequestMessage request, string name, string value)
    {
        if (!request.Headers.NonValidated.TryGetValues(name, out var values))
        {
            request.Headers.TryAddWithoutValidation(name, value);
            return;
        }
        var list = string.Join(',', values);
        if (list.Split(',', StringSplitOptions.TrimEntries).Contains(value, StringComparer.Ordinal))
            return;
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, $"{list},{value}");
    }

    /// <summary>The target, with the credential in it where the slot is there.</summary>
    public static string Write(HttpRequestMessage request, string target, Injection injection, string value)
    {
        var binding = injection.Binding;
        switch (binding.Slot)
        {
            case InjectionSlot.Query:
                return QuerySlot.Replace(target, binding.Name, injection.Placeholder, value);
            case InjectionSlot.Path:
                return PathSlot.Replace(target, binding.Argument, injection.Placeholder, value);
            case InjectionSlot.AnyHeader:
                AnyHeaderSlot.Replace(request, injection.Placeholder, value);
                return target;
            case InjectionSlot.Cookie when request.Headers.NonValidated.TryGetValues(HeaderNames.Cookie, out var lines):
                var written = lines.Select(line => CookieSlot.Replace(line, binding.Name, injection.Placeholder, value)).ToArray();
                request.Headers.Remove(HeaderNames.Cookie);
                request.Headers.TryAddWithoutValidation(HeaderNames.Cookie, written);
                return target;
            default:
                return target;
        }
    }
}
