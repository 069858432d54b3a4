using System.Collections.Immutable;

namespace Moat.Spec;

/// <summary>
/// A variable of the sandbox whose value is a secret of the host. The value itself is in no spec.
/// </summary>
/// <param name="Name">The variable.</param>
/// <param name="Source">Where the value comes from: <c>env://</c>, <c>file://</c>, <c>cmd://</c>, <c>op://</c>, <c>ssm://</c>; <c>--secret</c> when it came on the command line.</param>
public sealed record SecretSpec(string Name, string Source)
{
    /// <summary>Where it goes: <c>host</c> or <c>host:port</c>, canonical. The sandbox holds a placeholder, which the gateway replaces in headers of requests to these.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <summary>True: the sandbox gets the value itself, and nothing is kept from it.</summary>
    public bool Expose { get; init; }
}
