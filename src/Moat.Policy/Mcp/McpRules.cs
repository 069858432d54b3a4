using System.Collections.Frozen;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>Calls of MCP tools as questions to a policy: what they are about, and which of them can be asked at all.</summary>
internal sealed class McpRules
{
    /// <summary>Characters of a tool's name; the protocol recommends 128.</summary>
    private const int MaxToolName = 256;

    private static readonly EntityUid Call = new(PolicyVocabulary.ActionType, PolicyVocabulary.McpCall);
    private static readonly EntityUid Arguments = new(new EntityType("MCP::Arguments"), "call");
    private static readonly EntityUid Numbers = new(new EntityType("MCP::Numbers"), "call");
    private static readonly EntityUid Flags = new(new EntityType("MCP::Flags"), "call");
    private static readonly EntityUid Lists = new(new EntityType("MCP::Lists"), "call");

    private readonly EntityUid run;
    private readonly EntityStore store;
    private readonly FrozenSet<string> servers;

    // Each text that the policy compares with, by what is left of it when case is taken away.
    private readonly FrozenDictionary<string, FrozenSet<string>> texts;

    public McpRules(PolicySet policies, EntityUid run, EntityStore store)
    {
        (this.run, this.store) = (run, store);
        var about = policies.Policies.Where(static p => ActionScope.Of(p).Contains(PolicyVocabulary.McpCall)).ToArray();
        var entities = about.SelectMany(MentionedEntities.Of).ToArray();
        servers = entities.Where(static e => e.Type == PolicyVocabulary.McpServerType).Select(static e => e.Id).ToFrozenSet(StringComparer.Ordinal);
        texts = entities.Where(static e => e.Type == PolicyVocabulary.McpToolType).Select(static e => e.Id)
            .Concat(about.SelectMany(static p => p.Conditions).SelectMany(static c => MentionedTexts.Of(c.Body)))
            .GroupBy(CaseFold.Of, StringComparer.Ordinal).ToFrozenDictionary(static g => g.Key, static g => g.ToFrozenSet(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>True when a statement names the server.</summary>
    public bool Names(in CanonicalHost host, int port) =>
        servers.Count > 0 && (servers.Contains(HostEntities.NameOf(host)) || servers.Contains(EntitySpelling.EndpointId(HostEntities.NameOf(host), port)));

    /// <summary>Why servers could read the call in another way than the policy; null for a plain one.</summary>
    public string? Ambiguity(McpCall call)
    {
        if (call.Tool.Length is 0 or > MaxToolName || call.Tool.AsSpan().ContainsAnyExceptInRange('!', '~')) return "the tool's name is no plain ASCII name, and could be taken for another";
        if (Rival(call.Tool) is { } tool) return $"the tool's name differs from \"{Printable.Text(tool)}\" in case alone, and servers differ in what they make of that";
        foreach (var path in call.Arguments.Paths)
        {
            if (Rival(path) is { } argument) return $"the name of an argument differs from \"{Printable.Text(argument)}\" in case alone, and servers differ in what they make of that";
        }

        return null;
    }

    public (Request Request, EntityStore Entities) Ask(in CanonicalHost host, int port, McpCall call)
    {
        var name = HostEntities.NameOf(host);
        EntityUid server = new(PolicyVocabulary.McpServerType, name), endpoint = new(PolicyVocabulary.McpServerType, EntitySpelling.EndpointId(name, port)), tool = new(PolicyVocabulary.McpToolType, call.Tool);
        var entities = store.Add(
            new Entity(tool, parents: [server, endpoint]),
            new Entity(Arguments, tags: call.Arguments.Texts),
            new Entity(Numbers, tags: call.Arguments.Numbers),
            new Entity(Flags, tags: call.Arguments.Flags),
            new Entity(Lists, tags: call.Arguments.Lists));
        return (new Request(run, Call, tool, CedarRecord.Create(
            new("arguments", CedarValue.Entity(Arguments)),
            new("flags", CedarValue.Entity(Flags)),
            new("lists", CedarValue.Entity(Lists)),
            new("names", CedarValue.Set(CedarSet.Create(call.Arguments.Names.Select(CedarValue.String)))),
            new("numbers", CedarValue.Entity(Numbers)),
            new("server", CedarValue.String(McpServerName.Of(host, port))),
            new("tool", CedarValue.String(call.Tool)))), entities);
    }

    // A text of the policy that the name is in all but case; null when there is none, or when it is the very text.
    private string? Rival(string name) => texts.TryGetValue(CaseFold.Of(name), out var known) && !known.Contains(name) ? known.First() : null;
}
