using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>Stable words for <c>X-Moat-Blocked</c> and <see cref="Denial.Kind"/>.</summary>
internal static class DenialKind
{
    public const string Policy = "policy";
    public const string Identity = "identity";
    public const string Protocol = "protocol";
    public const string Grant = "grant";
    public const string Address = "address";
    public const string Audit = "audit";
    public const string Mcp = "mcp";

    /// <summary>No denial: the upstream failed.</summary>
    public const string Upstream = "upstream";
}

/// <summary>Why something does not go through, and what the agent is told.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Kind">Of <see cref="DenialKind"/>; <see cref="DenialKind.Protocol"/> closes an HTTP/1 connection.</param>
/// <param name="Rule">The rule as written and where, or the protection's name.</param>
internal sealed record Refusal(int Status, string Kind, string Rule, string Reason, string HowToAllow)
{
    /// <summary>The answer in the words of the protocol that the agent speaks; null for <see cref="DenialBody"/>.</summary>
    public byte[]? Body { get; init; }

    /// <summary>False where not Moat but the upstream is the reason.</summary>
    public bool IsBlock => Kind != DenialKind.Upstream;

    public static Refusal ByPolicy(in Decision decision) => new(403, DenialKind.Policy, decision.Rule, decision.Reason, decision.HowToAllow);

    public static Refusal ByProtocol(string reason, int status = 400) =>
        new(status, DenialKind.Protocol, "HTTP, unambiguous", reason, "send the request in a form that every server reads in one way");

    public static Refusal ByIdentity(string reason) =>
        new(421, DenialKind.Identity, "one identity per request", reason, "open a connection of its own for each host");
}
