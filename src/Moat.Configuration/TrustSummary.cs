using System.Collections.Immutable;

namespace Moat.Configuration;

/// <summary>What a configuration may do, in lines for the person who is asked to trust it.</summary>
public static class TrustSummary
{
    /// <summary>Never holds a value of the environment; names only.</summary>
    public static ImmutableArray<string> Of(MoatConfiguration configuration) => throw new NotSupportedException();
}
