using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

public sealed class TemplateDifferentialTests
{
    private static readonly Gen<string> Template = Gen.Select(
        Gen.OneOf("permit", "forbid"),
        Scope("principal"),
        PolicyTexts.Action.Select(a => $"action in [{a}]"),
        Scope("resource"),
        Gen.OneOf("", " when { principal has a }", " unless { context.flag }"),
        (effect, principal, action, resource, clause) => $"{effect}({principal}, {action}, {resource}){clause};");

    private static readonly Gen<JsonObject?> Value = Gen.Select(Gen.OneOf("U", "G", "N::T"), Gen.OneOf("a", "", "\u00e9\"\n"), Gen.Int[0, 9], (type, id, odd) => odd == 0 ? null : new JsonObject { ["type"] = type, ["id"] = id });

    [Fact]
    public void Templates_are_linked_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (linked, refused) = (0, 0);
        Gen.Select(Template, Value, Value, Requests.Entities, Requests.Request).Sample((text, principal, resource, entities, request) =>
        {
            var values = new JsonObject();
            if (principal is not null && (text.Contains("?principal", StringComparison.Ordinal) || principal["id"]!.ToString().Length == 0)) values["?principal"] = principal.DeepClone();
            if (resource is not null && text.Contains("?resource", StringComparison.Ordinal)) values["?resource"] = resource.DeepClone();
            var call = JsonNode.Parse(request)!.AsObject();
            call["entities"] = JsonNode.Parse(entities);
            call["policies"] = new JsonObject
            {
                ["templates"] = new JsonObject { ["t"] = text },
                ["templateLinks"] = new JsonArray(new JsonObject { ["templateId"] = "t", ["newId"] = "new", ["values"] = values.DeepClone() }),
            };
            var answers = peer.Ask(new JsonArray("isAuthorized", call), new JsonArray("templateToJson", text));
            PolicySet? set = null;
            var problem = Record.Exception(() => set = Link(text, values));
            var theirs = answers[0].GetProperty("type").GetString() == "success";
            Assert.True(theirs == problem is null, $"{text}\n{values}\n{answers[0].GetRawText()}\n{problem}");
            if (set is null)
            {
                refused++;
                return;
            }

            linked++;
            Assert.Equal(answers[1].GetProperty("json").GetRawText(), PolicyJson.Write(set.Templates[0]), Same);
            var result = new Authorizer(set).Decide(RequestJson.Read(request), EntityJson.Read(entities));
            var response = answers[0].GetProperty("response");
            Assert.Equal(response.GetProperty("decision").GetString(), result.Decision == Decision.Allow ? "allow" : "deny");
            Assert.Equal(response.GetProperty("diagnostics").GetProperty("reason").GetArrayLength(), result.Reasons.Count);
        }, iter: DifferentialRun.Cases(2_000), threads: 1);
        Assert.True(linked > 500 && refused > 100, $"{linked} linked, {refused} refused");
    }

    private static PolicySet Link(string text, JsonObject values)
    {
        var json = new JsonObject
        {
            ["templates"] = new JsonObject { ["t"] = JsonNode.Parse(PolicyJson.Write(PolicySet.Parse(text) is { Templates: [var template] } ? template : throw new CedarException("no template"))) },
            ["templateLinks"] = new JsonArray(new JsonObject { ["templateId"] = "t", ["newId"] = "new", ["values"] = values.DeepClone() }),
        };
        return PolicySetJson.Read(json.ToJsonString());
    }

    private static bool Same(string a, string b) => JsonElement.DeepEquals(JsonDocument.Parse(a).RootElement, JsonDocument.Parse(b).RootElement);

    private static Gen<string> Scope(string name) => Gen.Frequency(
        (1, Gen.Const(name)),
        (3, Gen.Const($"{name} == ?{name}")),
        (3, Gen.Const($"{name} in (?{name})")),
        (2, Gen.OneOf("U", "G", "N::T").Select(type => $"{name} is {type} in ?{name}")));
}
