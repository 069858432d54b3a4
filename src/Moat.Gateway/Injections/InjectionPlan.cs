using System.Collections.Immutable;
using Moat.Credentials;
using Moat.Gateway.Aws;

namespace Moat.Gateway.Injections;

/// <summary>
/// What grants may write into requests to one destination. Where every candidate is a header of a grant that stands
/// alone with it, there is nothing to choose and every request takes <see cref="All"/> as it is; otherwise
/// <see cref="InjectionChoice"/> decides for each request.
/// </summary>
internal sealed class InjectionPlan
{
    public static readonly InjectionPlan None = new([]);

    public InjectionPlan(ImmutableArray<Injection> all)
    {
        All = all;
        GrantNames = NamesOf(all);
        IsNarrow = all.Any(injection => injection.IsNarrow);
        Rivals = [.. all.Where(injection => !injection.Binding.NeedsPlaceholder && all.Any(other => AreRivals(injection, other)))];
        Aws = all.Select(injection => injection.Aws).FirstOrDefault(signer => signer is not null);
        HasChoice = !Rivals.IsEmpty || !all.All(injection => injection.IsUnconditional) || HasTwoOfOneHeader(all);
    }

    public ImmutableArray<Injection> All { get; }

    /// <summary>False: every request takes all.</summary>
    public bool HasChoice { get; }

    /// <summary>Signs requests to a host of AWS anew; null for any other host, and without such a grant.</summary>
    public AwsSigner? Aws { get; }

    /// <summary>True when methods or paths decide.</summary>
    public bool IsNarrow { get; }

    /// <summary>Headers that two grants claim: the placeholder in the request says which of them is meant.</summary>
    public ImmutableArray<Injection> Rivals { get; }

    /// <summary>The grants of <see cref="All"/>, for the record.</summary>
    public string GrantNames { get; }

    public static string NamesOf(ImmutableArray<Injection> injections) =>
        string.Join(", ", injections.Select(injection => injection.Grant.Name).Distinct(StringComparer.Ordinal));

    /// <summary>True when the credentials of two grants cannot go into one request: one header for both, or one that the other takes off.</summary>
    public static bool AreRivals(Injection one, Injection other) =>
        one.Grant != other.Grant && !one.Binding.NeedsPlaceholder && !other.Binding.NeedsPlaceholder
        && (Same(one.Binding.Header, other.Binding.Header) || Removes(one.Grant, other.Binding.Header) || Removes(other.Grant, one.Binding.Header));

    private static bool Removes(UnlockedGrant grant, string header) => grant.RemoveHeaders.Any(removed => Same(removed, header));

    private static bool HasTwoOfOneHeader(ImmutableArray<Injection> all) =>
        all.Select(injection => injection.Binding.Header).Distinct(StringComparer.OrdinalIgnoreCase).Count() < all.Length;

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
