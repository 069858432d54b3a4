using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>The actions that a statement's scope reaches, and whether it names them.</summary>
internal static class ActionScope
{
    /// <summary>The names of the actions that the statement can apply to, those of its resource's type alone.</summary>
    public static ImmutableArray<string> Of(Cedar.Policy policy) =>
        [.. Named(policy).Where(action => TypesOf(policy.Resource) is not { } types || types.Overlaps(ResourcesOf(action)))];

    /// <summary>True when the scope names actions, or a kind of resource.</summary>
    public static bool IsNarrow(Cedar.Policy policy) => policy.Action is not AnyScope || policy.Resource is not AnyScope;

    private static IEnumerable<string> Named(Cedar.Policy policy)
    {
        var all = PolicyVocabulary.Schema.Actions.Select(static a => a.Id).Order(StringComparer.Ordinal);
        return policy.Action switch
        {
            EqualScope { Entity.Uid: { } one } => [one.Id],
            InScope { Entity.Uid: { } group } => all.Where(a => IsIn(a, group.Id)),
            InSetScope set => all.Where(a => set.Entities.Any(e => IsIn(a, e.Id))),
            _ => all,
        };
    }

    // The vocabulary has one action above others.
    private static bool IsIn(string action, string group) =>
        action == group || (group == "FileOpen" && action.StartsWith("FileOpenRead", StringComparison.Ordinal));

    private static ImmutableHashSet<string> ResourcesOf(string action) => action switch
    {
        PolicyVocabulary.NetworkConnect or PolicyVocabulary.HttpRequest or "HttpRewrite" => ["Host"],
        PolicyVocabulary.CredentialUse => ["Credential"],
        PolicyVocabulary.McpCall => ["MCP::Tool"],
        _ => ["File"],
    };

    // The types of what can be in the scope's entity; null for any.
    private static ImmutableHashSet<string>? TypesOf(ScopeConstraint scope) => scope switch
    {
        EqualScope { Entity.Uid: { } uid } => Below(uid.Type.Name),
        InScope { Entity.Uid: { } uid } => Below(uid.Type.Name),
        IsScope test => [test.Type.Name],
        _ => null,
    };

    private static ImmutableHashSet<string> Below(string type) => type switch
    {
        "Dir" => ["File"],
        "DnsZone" or "Cidr" or "Endpoint" => ["Host"],
        "MCP::Server" => ["MCP::Tool"],
        _ => [type],
    };
}
