using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Aws;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Injections;

/// <summary>
/// Decides which of a destination's candidates one request takes.
/// <code>
///   (1) the binding covers method and path ─► (2) its slot holds its placeholder, or it is a header
///       ─► (3) of rivals, the one that the request names ─► (4) one for each header ─► (5) inside the grant's scopes
/// </code>
/// Whatever is unclear is refused: two rivals named or none, a slot that is there twice.
/// </summary>
internal static class InjectionChoice
{
    /// <param name="body">The body, where a binding of the destination is in it and it can be looked into.</param>
    /// <param name="chosen">What the request takes; empty on a refusal.</param>
    public static Refusal? Choose(InjectionPlan plan, string method, string target, IHeaderDictionary headers, FieldBody? body, out ImmutableArray<Injection> chosen)
    {
        chosen = [];
        var taken = new List<Injection>(plan.All.Length);
        foreach (var injection in plan.All)
        {
            // 1
            if (!injection.Covers(method, target))
                continue;

            // 2
            if (injection.Binding.NeedsPlaceholder)
            {
                var count = Count(injection, target, headers, body);
                if (count > 1)
                    return Twice(injection);
                if (count == 0)
                    continue;
            }
            taken.Add(injection);
        }

        // 3
        if (!plan.Rivals.IsEmpty && Settle(taken, headers) is { } unsettled)
            return unsettled;

        // 4
        KeepOneOfEachHeader(taken, headers);

        // 5
        foreach (var injection in taken)
        {
            if (injection.Outside(method, target) is { } scope)
                return Outside(injection.Grant, scope, method);
        }
        chosen = [.. taken];
        return null;
    }

    private static int Count(Injection injection, string target, IHeaderDictionary headers, FieldBody? body) => injection.Binding.Slot switch
    {
        InjectionSlot.Query => QuerySlot.Count(target, injection.Binding.Name, injection.Placeholder),
        InjectionSlot.Path => PathSlot.Count(target, injection.Binding.Argument, injection.Placeholder),
        InjectionSlot.AnyHeader => AnyHeaderSlot.Count(headers, injection.Placeholder),
        InjectionSlot.AwsSignature => AwsClaim.Names(headers, target, injection.Aws!.KeyId) ? 1 : 0,
        InjectionSlot.Cookie => CookieSlot.Count(headers.Cookie, injection.Binding.Name, injection.Placeholder),
        _ => body?.Count(injection) ?? 0,
    };

    /// <summary>A grant that the request names beats its rivals; what is then still two of a kind is unclear.</summary>
    private static Refusal? Settle(List<Injection> taken, IHeaderDictionary headers)
    {
        var named = taken.Select(injection => injection.Grant).Distinct().Where(grant => IsNamed(grant, taken, headers)).ToHashSet();
        var beaten = taken.Where(one => !named.Contains(one.Grant) && taken.Any(other => named.Contains(other.Grant) && InjectionPlan.AreRivals(one, other)))
            .Select(injection => injection.Grant).ToHashSet();
        taken.RemoveAll(injection => beaten.Contains(injection.Grant));
        foreach (var one in taken)
        {
            foreach (var other in taken)
            {
                if (InjectionPlan.AreRivals(one, other))
                    return Unclear(one.Grant, other.Grant, both: named.Contains(one.Grant));
            }
        }
        return null;
    }

    /// <summary>True when the request holds a placeholder of the grant where one of its bindings expects it.</summary>
    private static bool IsNamed(UnlockedGrant grant, List<Injection> taken, IHeaderDictionary headers)
    {
        foreach (var injection in taken)
        {
            if (injection.Grant == grant && (injection.Binding.NeedsPlaceholder || HeaderSlot.Holds(headers[injection.Binding.Header], injection.Placeholder)))
                return true;
        }
        return false;
    }

    private static void KeepOneOfEachHeader(List<Injection> taken, IHeaderDictionary headers)
    {
        for (var i = 0; i < taken.Count; i++)
        {
            var header = taken[i].Binding.Header;
            if (header.Length == 0)
                continue;
            var kept = taken[i];
            for (var j = taken.Count - 1; j > i; j--)
            {
                if (!taken[j].Binding.Header.Equals(header, StringComparison.OrdinalIgnoreCase))
                    continue;
                // The one that the request names, else the first of the definition.
                if (HeaderSlot.Holds(headers[header], taken[j].Placeholder) && !HeaderSlot.Holds(headers[header], kept.Placeholder))
                    kept = taken[j];
                taken.RemoveAt(j);
            }
            taken[i] = kept;
        }
    }

    private static Refusal Twice(Injection injection) => new(
        403, DenialKind.Grant, $"grant {injection.Grant.Name}", $"the {injection.Binding.Describe()} is there twice", "send the placeholder once");

    private static Refusal Unclear(UnlockedGrant one, UnlockedGrant other, bool both) => new(
        403,
        DenialKind.Grant,
        $"grants {one.Name}, {other.Name}",
        both ? $"the request holds the placeholders of two grants, {one.Name} and {other.Name}, of which it can take one"
            : $"two grants, {one.Name} and {other.Name}, are for this host, and the request holds the placeholder of neither",
        "send the placeholder of the one that is meant, where its service expects the credential");

    private static Refusal Outside(UnlockedGrant grant, GrantScope scope, string method) => new(
        403,
        DenialKind.Grant,
        $"scope of the grant {grant.Name}",
        $"the grant {grant.Name} is narrowed to {scope.Text}; this {method} request is outside",
        $"widen what the grant allows: grants in moat.yaml, or moat grant {grant.Name} --scope");
}
