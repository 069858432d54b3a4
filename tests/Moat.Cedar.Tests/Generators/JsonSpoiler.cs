using System.Text.Json.Nodes;

namespace Moat.Cedar.Tests.Generators;

/// <summary>Changes one thing in JSON.</summary>
internal static class JsonSpoiler
{
    /// <summary>The nodes within, the innermost first, and the node itself.</summary>
    public static IEnumerable<JsonNode> Nodes(JsonNode? node)
    {
        if (node is null) yield break;
        var children = node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] };
        foreach (var child in children.ToList())
        {
            foreach (var inner in Nodes(child)) yield return inner;
        }

        yield return node;
    }

    /// <summary>Replaces, removes, adds or copies a node below the root.</summary>
    public static void Spoil(Dice dice, JsonNode root, IReadOnlyList<string> texts)
    {
        var nodes = Nodes(root).Where(n => n.Parent is not null).ToList();
        if (nodes.Count == 0) return;
        var node = dice.Pick(nodes);
        switch (dice.Upto(6))
        {
            case 0:
                node.ReplaceWith(1);
                break;
            case 1 or 2:
                node.ReplaceWith(dice.Pick(texts));
                break;
            case 3 when node.Parent is JsonObject holder && holder != root:
                holder.Remove(node.GetPropertyName());
                break;
            case 4 when node is JsonObject record:
                record["more"] = true;
                break;
            case 5:
                node.ReplaceWith(new JsonObject { ["type"] = dice.Pick(texts), ["id"] = "red" });
                break;
            default:
                // The reference implementation takes an array for an object where no member is needed; that is not copied.
                node.ReplaceWith(dice.Pick(nodes.Where(n => n is JsonArray == node is JsonArray).ToList()).DeepClone());
                break;
        }
    }
}
