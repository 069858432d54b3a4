using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

public sealed class PartialDifferentialTests
{
    [Fact]
    public void What_both_decide_of_a_partial_request_is_the_same()
    {
        using var peer = WasmPeer.Start();
        var (both, ours, theirs) = (0, 0, 0);
        Gen.Select(PolicyTexts.Policy.Array[1, 3], Requests.Entities, Requests.Request, Gen.Bool, Gen.Bool).Sample((policies, entities, request, hidePrincipal, hideResource) =>
        {
            var text = string.Join('\n', policies);
            if (!PolicySet.TryParse(new SourceText(text), out var set, out _)) return;
            var whole = RequestJson.Read(request);
            var partial = PartialEvaluator.Decide(
                set,
                new PartialRequest { Principal = hidePrincipal ? null : whole.Principal, Action = whole.Action, Resource = hideResource ? null : whole.Resource, Context = whole.Context },
                EntityJson.Read(entities));
            var answer = peer.Ask(Call(text, entities, request, hidePrincipal, hideResource))[0];
            Assert.True(answer.GetProperty("type").GetString() == "residuals", answer.GetRawText());
            var decided = answer.GetProperty("response").GetProperty("decision").GetString();
            if (decided is not null) theirs++;
            if (partial.Decision is not null) ours++;
            if (decided is null || partial.Decision is not { } decision) return;
            both++;
            Assert.Equal(decided, decision == Decision.Allow ? "allow" : "deny");
        }, iter: DifferentialRun.Cases(2_000), threads: 1);
        Assert.True(both > 100 && ours >= theirs, $"{ours} decided here, {theirs} there, {both} by both");
    }

    private static JsonArray Call(string policies, string entities, string request, bool hidePrincipal, bool hideResource)
    {
        var call = JsonNode.Parse(request)!.AsObject();
        if (hidePrincipal) call["principal"] = null;
        if (hideResource) call["resource"] = null;
        call["policies"] = new JsonObject { ["staticPolicies"] = policies };
        call["entities"] = JsonNode.Parse(entities);
        return new JsonArray("isAuthorizedPartial", call);
    }
}
