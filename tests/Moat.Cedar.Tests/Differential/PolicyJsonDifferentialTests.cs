using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

public sealed class PolicyJsonDifferentialTests
{
    private static readonly Gen<string> Piece = Gen.OneOf(
        "null", "true", "1", "-1", "1.5", "\"\"", "\"principal\"", "\"?principal\"", "\"if\"", "\"A::B\"", "\"a b\"", "[]", "{}", "[1]", """{"Value": 1}""", """{"Var": "context"}""", """{"Slot": "?principal"}""",
        """{"type": "U", "id": "a"}""", """{"__entity": {"type": "Action", "id": "a"}}""", """{"Value": {"__extn": {"fn": "ip", "arg": "::1"}}}""", """{"Value": {"__extn": {"fn": "ip", "arg": "x"}}}""",
        """{"Value": {"a": [1, {"__entity": {"type": "U", "id": ""}}]}}""", """{"op": "All"}""", """{"op": "==", "entity": {"type": "U", "id": "a"}}""", """{"op": "is", "entity_type": "U"}""",
        """{"has": {"left": {"Var": "context"}, "attr": ["a", "b c"]}}""", """{"ip": [{"Value": "::"}]}""", """{"==": {"left": {"Value": 1}}}""", "\"Wildcard\"", """{"Literal": "ab"}""",
        """{"Value": {"__entity": {"type": "if", "id": "a"}}}""", """{"Value": {"__expr": "1"}}""", """{"Value": {"__extn": {"fn": "ip"}}}""", """{"Value": null}""", """{"Record": {"a": {"Value": 1}}}""", """{"Set": []}""");

    private static readonly Gen<string> Name = Gen.OneOf("left", "right", "arg", "attr", "op", "entity", "slot", "entities", "in", "kind", "body", "Value", "==", "more", "type", "is");

    [Fact]
    public void Spoiled_JSON_is_read_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (read, refused) = (0, 0);
        var spoil = Gen.Select(Gen.Int[0, 3], Gen.Double.Unit, Piece, Name);
        Gen.Select(PolicyTexts.Policy, spoil.Array[1, 2]).Sample((text, spoils) =>
        {
            if (!PolicySet.TryParse(new SourceText(text), out var set, out _)) return;
            var root = JsonNode.Parse(PolicyJson.Write(set.Policies[0]), null, new() { MaxDepth = 2_000 })!;
            foreach (var (kind, at, piece, name) in spoils) Spoil(root, kind, at, piece, name);
            var json = root.ToJsonString();

            // Node carries numbers as doubles, so that the greatest longs do not come back as they were.
            if (json.Contains("4611686018427387904", StringComparison.Ordinal) || json.Contains("92233720368547758", StringComparison.Ordinal)) return;

            var answers = peer.Ask(
                new JsonArray("checkParsePolicySet", new JsonObject { ["staticPolicies"] = new JsonObject { ["p"] = root.DeepClone() } }),
                new JsonArray("policyToText", root.DeepClone()));
            Policy? policy = null;
            var problem = Record.Exception(() => policy = PolicyJson.Read(json, "p"));
            Assert.True(problem is null or CedarException, $"{json}\n{problem}");

            // A property that means nothing is refused here wherever it stands; the reference implementation overlooks some.
            if (problem is not null && problem.Message.Contains("no such property", StringComparison.Ordinal)) return;
            var theirs = answers[0].GetProperty("type").GetString() == "success";
            Assert.True(theirs == (policy is { IsTemplate: false }), $"{json}\n{answers[0].GetRawText()}\n{problem}");
            if (!theirs)
            {
                refused++;
                return;
            }

            read++;
            if (answers[1].GetProperty("type").GetString() != "success") return;

            // The text that is compared with is not always one that Cedar reads: it spells out no path.
            if (!PolicySet.TryParse(new SourceText(answers[1].GetProperty("text").GetString()!), out var again, out _)) return;
            Assert.Equal(
                PolicyJson.Write(again.Policies[0]),
                PolicyJson.Write(PolicySet.Parse(PolicyText.Write(policy!)).Policies[0]));
        }, iter: DifferentialRun.Cases(4_000), threads: 1);
        Assert.True(read > 100 && refused > 100, $"{read} read, {refused} refused");
    }

    // Changes one node below the root: puts another in its place, takes it out, renames it, or puts one beside it.
    private static void Spoil(JsonNode root, int kind, double at, string piece, string name)
    {
        var nodes = Below(root).ToList();
        if (nodes.Count == 0) return;
        var node = nodes[(int)(at * nodes.Count)];
        if (node.Parent is JsonObject parent)
        {
            var key = node.GetPropertyName();
            switch (kind)
            {
                case 0:
                    parent[key] = JsonNode.Parse(piece);
                    break;
                case 1:
                    parent.Remove(key);
                    break;
                case 2:
                    parent.Remove(key);
                    parent[name] = node;
                    break;
                default:
                    parent[name] = JsonNode.Parse(piece);
                    break;
            }
        }
        else if (node.Parent is JsonArray list)
        {
            if (kind == 1) list.Remove(node);
            else list[node.GetElementIndex()] = JsonNode.Parse(piece);
        }
    }

    private static IEnumerable<JsonNode> Below(JsonNode node)
    {
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject named => named.Select(p => p.Value),
            JsonArray list => list,
            _ => [],
        };
        return children.Where(c => c is not null).SelectMany(c => Below(c!).Prepend(c!));
    }
}
