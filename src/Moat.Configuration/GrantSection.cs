using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// Reads <c>grants:</c>. An item is a name, <c>{name: github, allow: [GET /repos/**]}</c>, or in short
/// <c>github: read-only</c>. What an entry of <c>allow</c> means is the provider's to say, when the grant is opened.
/// </summary>
internal sealed class GrantSection(NodeReader reader)
{
    private const string Expected = "a grant's name such as github; `moat grant providers` lists them";
    private const int MaxEntry = 200;

    public ImmutableArray<GrantSpec> Read(Node node)
    {
        var grants = ImmutableArray.CreateBuilder<GrantSpec>();
        foreach (var item in reader.Items(node, "grants"))
        {
            if (Item(item) is not { } grant) continue;
            if (grants.Any(other => other.Name == grant.Name)) reader.Bad(item, $"grants: {Text.Quoted(grant.Name)} is there twice", "remove one of them");
            else grants.Add(grant);
        }
        return grants.ToImmutable();
    }

    private GrantSpec? Item(Node item)
    {
        switch (item)
        {
            case ScalarNode { IsNull: false } word:
                return Name(word);
            case MappingNode { Entries: [var (key, allow)] } when key.Value is not ("name" or "allow"):
                return Name(key) is { } grant && Allow(allow, $"the scope of {Text.Quoted(key.Value)}") is { } entries ? grant with { Allow = entries } : null;
            case MappingNode:
                return Long(item);
            default:
                reader.Wrong(item, "an item of grants", Expected);
                return null;
        }
    }

    private GrantSpec? Long(Node item)
    {
        GrantSpec? grant = null;
        ImmutableArray<string>? allow = [];
        foreach (var (key, value) in reader.Fields(item, "a grant", ["name", "allow"]))
        {
            if (key.Value == "allow") allow = Allow(value, "allow");
            else if (value is ScalarNode { IsNull: false } name) grant = Name(name);
            else reader.Wrong(value, "name", Expected);
        }
        if (grant is null) reader.Bad(item, "the grant has no name", "write {name: github, allow: [\"GET /repos/**\"]}");
        return allow is { } entries ? grant is null ? null : grant with { Allow = entries } : null;
    }

    private GrantSpec? Name(ScalarNode word)
    {
        if (GrantText.IsName(word.Value)) return new GrantSpec(word.Value);
        reader.Bad(word, $"grants: {Text.Quoted(word.Value)} does not fit", "expected " + Expected);
        return null;
    }

    /// <summary>One entry or a list of them; null when one is none. An empty list would open all, so it is refused.</summary>
    private ImmutableArray<string>? Allow(Node node, string where)
    {
        ImmutableArray<Node> items = node is ScalarNode { IsNull: false } ? [node] : reader.Items(node, where);
        var entries = ImmutableArray.CreateBuilder<string>();
        foreach (var item in items)
        {
            if (item is ScalarNode { IsNull: false, Value.Length: > 0 and <= MaxEntry } entry && entry.Value.All(c => c is >= ' ' and <= '~')) entries.Add(entry.Value);
            else reader.Wrong(item, "an entry of " + where, "a request (\"GET /repos/**\") or a preset (read-only)");
        }
        if (items.IsEmpty && node is SequenceNode) reader.Bad(node, $"{where} is empty", "name what the grant may be used for, or leave it out to allow all");
        return entries.Count == 0 || entries.Count < items.Length ? null : entries.ToImmutable();
    }
}
