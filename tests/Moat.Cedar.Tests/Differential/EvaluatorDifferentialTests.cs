using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

public sealed class EvaluatorDifferentialTests
{
    [Fact]
    public void Decisions_reasons_errors_and_JSON_forms_are_those_of_the_reference_implementation()
    {
        using var peer = WasmPeer.Start();
        var count = DifferentialRun.Cases(10_000);
        var (decided, allowed, failed, refused) = (0, 0, 0, 0);
        Gen.Select(PolicyTexts.Policy.Array[1, 3], Requests.Entities, Requests.Request).Sample((policies, entities, request) =>
        {
            peer.Send([AuthorizationCall(policies, entities, request), .. policies.Select(p => new JsonArray("policyToJson", p))]);
            var parsed = policies.Select(p => PolicySet.TryParse(new SourceText(p), out var one, out _) ? one : null).ToList();
            var result = !parsed.Contains(null) ? new Authorizer(PolicySet.Parse(string.Join('\n', policies))).Decide(RequestJson.Read(request), EntityJson.Read(entities)) : null;
            var answers = peer.Receive();
            for (var i = 0; i < policies.Length; i++) CompareForm(policies[i], parsed[i], answers[i + 1]);
            if (result is null)
            {
                refused++;
                Assert.Equal("failure", answers[0].GetProperty("type").GetString());
                return;
            }

            CompareDecision(result, answers[0]);
            decided++;
            if (result.Decision == Decision.Allow) allowed++;
            if (result.Errors.Count > 0) failed++;
        }, iter: count, threads: 1);

        // A generator that went astray would compare nothing.
        Assert.True(decided > count / 2 && allowed > count / 20 && failed > count / 20 && refused > count / 100, $"{decided} decided, {allowed} allowed, {failed} with errors, {refused} refused");
    }

    private static JsonArray AuthorizationCall(string[] policies, string entities, string request)
    {
        var call = JsonNode.Parse(request)!.AsObject();
        call["policies"] = new JsonObject { ["staticPolicies"] = string.Join('\n', policies) };
        call["entities"] = JsonNode.Parse(entities);
        return new JsonArray("isAuthorized", call);
    }

    private static void CompareDecision(AuthorizationResult result, JsonElement answer)
    {
        Assert.True(answer.GetProperty("type").GetString() == "success", answer.GetRawText());
        var response = answer.GetProperty("response");
        var diagnostics = response.GetProperty("diagnostics");
        Assert.Equal(response.GetProperty("decision").GetString(), result.Decision == Decision.Allow ? "allow" : "deny");
        Assert.Equal(diagnostics.GetProperty("reason").EnumerateArray().Select(r => r.GetString()).Order(StringComparer.Ordinal), result.Reasons.Select(p => p.Id).Order(StringComparer.Ordinal));
        Assert.Equal(
            diagnostics.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("policyId").GetString()).Order(StringComparer.Ordinal),
            result.Errors.Select(e => e.Policy!.Id).Order(StringComparer.Ordinal));
    }

    private static void CompareForm(string text, PolicySet? set, JsonElement answer)
    {
        Assert.True((answer.GetProperty("type").GetString() == "success") == (set is not null), $"{text}\n{answer.GetRawText()}");
        if (set is null) return;
        var policy = set.Policies[0];
        var json = PolicyJson.Write(policy);
        using var ours = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4_000 });
        Assert.True(Same(ours.RootElement, answer.GetProperty("json")), $"{json}\n{answer.GetRawText()}");
        Assert.Equal(json, PolicyJson.Write(PolicyJson.Read(json, policy.Id)));

        // A tree of JSON has other spellings, such as a path that is spelt out, which have to be written as well.
        Assert.Equal(json, PolicyJson.Write(PolicySet.Parse(PolicyText.Write(policy)).Policies[0]));
        Assert.Equal(json, PolicyJson.Write(PolicySet.Parse(PolicyText.Write(PolicyJson.Read(json, policy.Id))).Policies[0]));
    }

    // Numbers are compared as node carries them.
    private static bool Same(JsonElement a, JsonElement b)
    {
        if (a.ValueKind != b.ValueKind) return false;
        return a.ValueKind switch
        {
            JsonValueKind.Object => a.GetPropertyCount() == b.GetPropertyCount() && a.EnumerateObject().All(p => b.TryGetProperty(p.Name, out var other) && Same(p.Value, other)),
            JsonValueKind.Array => a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(p => Same(p.First, p.Second)),
            JsonValueKind.Number => a.GetDouble().Equals(b.GetDouble()),
            JsonValueKind.String => a.GetString() == b.GetString(),
            _ => true,
        };
    }
}
