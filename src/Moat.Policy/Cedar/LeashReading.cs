using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// What Leash 1.1.5 made of a statement where that is not what the statement says: left out, turned round, widened. Told
/// statement by statement, so that a person knows what changes when the file starts to mean what it says.
/// </summary>
public static class LeashReading
{
    private static readonly string[] Actions = ["FileOpen", "FileOpenReadOnly", "FileOpenReadWrite", "ProcessExec", "NetworkConnect", "HttpRewrite", "McpCall"];

    /// <summary>A note for each difference, in the order of the text.</summary>
    /// <exception cref="CedarException">The text is not in order.</exception>
    public static ImmutableArray<PolicyNote> Compare(string text, string name) =>
        [.. PolicySet.Parse(text, name).Policies.SelectMany(static p => Of(p).Select(d =>
            PolicyNote.At(PolicyNoteLevel.Warning, d.Code, p, p.Span, $"{p.Id}: Leash {d.Message}")))];

    private static IEnumerable<(string Code, string Message)> Of(Cedar.Policy policy)
    {
        if (Skips(policy) is { } reason)
        {
            yield return ("ignored", $"left the whole statement out ({reason}){(policy.Effect == Effect.Forbid ? ", so what it forbids was allowed" : "")}");
            yield break;
        }

        if (policy.Principal is not AnyScope) yield return ("ignored", "did not look at the principal; the statement held for everyone");
        foreach (var condition in policy.Conditions.Where(static c => c.IsUnless))
            yield return ("inverted", $"read `unless` as `when`: it {(policy.Effect == Effect.Permit ? "allowed" : "denied")} what the condition names and nothing else");
        if (ActionOf(policy) is "McpCall" && policy.Effect == Effect.Permit) yield return ("ignored", "had no permits for MCP; the statement did nothing");

        var named = MentionedEntities.Of(policy).Where(static e => !e.Type.IsAction).ToArray();
        if (policy.Effect == Effect.Forbid && named.Any(static e => e.Type.Name == "MCP::Tool") && named.Any(static e => e.Type.Name == "MCP::Server"))
            yield return ("widened", "denied every connection to the server, not the tool alone");
        foreach (var entity in named)
        {
            if (entity.Id.Contains("::", StringComparison.Ordinal)) yield return ("ignored", $"cut {entity} at the `::` in its name, and no rule came of it");
            else if (entity.Type.BaseName is "Host" or "Hostname" && entity.Id.Contains('/', StringComparison.Ordinal)) yield return ("ignored", $"took {entity} for a name, which no host has");
            else if (entity.Type.BaseName is "Host" or "Hostname" && !EntitySpelling.TryNormalize(entity, out _, out _) && entity.Id.Contains(':', StringComparison.Ordinal)) yield return ("widened", $"dropped the port of {entity}; every port was meant then");
        }

        if (policy.Conditions.Select(static c => Wildcard(c.Body)).FirstOrDefault(static w => w is not null) is { } wide)
            yield return ("widened", $"read the pattern {wide} as everything below its first dot");
    }

    // Why no rule came of the statement; null where one did.
    private static string? Skips(Cedar.Policy policy)
    {
        if (policy.Action is AnyScope) return "it names no action";
        if (ActionOf(policy) is { } action && !Actions.Contains(action, StringComparer.OrdinalIgnoreCase)) return $"it has no action {action}";
        foreach (var condition in policy.Conditions)
        {
            if (!IsRead(condition.Body)) return "it reads `resource in [...]` and `context.hostname` alone in a condition";
        }

        return policy.Resource is AnyScope && policy.Conditions.IsEmpty ? "it names no resource" : null;
    }

    private static string? ActionOf(Cedar.Policy policy) => policy.Action is EqualScope { Entity.Uid: { } uid } ? uid.Id : null;

    private static bool IsRead(Expression node) => node switch
    {
        BinaryExpression { Operator: BinaryOperator.In, Left: VariableExpression { Variable: Variable.Resource }, Right: SetExpression } => true,
        BinaryExpression { Operator: BinaryOperator.Equal, Left: GetAttributeExpression { Name: "hostname" or "header" or "value" } } => true,
        BinaryExpression { Operator: BinaryOperator.And } both => IsHeader(both.Left) && IsHeader(both.Right),
        LikeExpression { Target: GetAttributeExpression { Name: "hostname" } } => true,
        _ => false,
    };

    private static bool IsHeader(Expression node) => node is BinaryExpression { Operator: BinaryOperator.Equal, Left: GetAttributeExpression { Name: "header" or "value" } };

    private static string? Wildcard(Expression node) =>
        node is LikeExpression { Target: GetAttributeExpression { Name: "hostname" } } like && like.Pattern.Elements is not [null, ..] && like.Pattern.Elements.Contains(null) ? like.Pattern.ToString() : null;
}
