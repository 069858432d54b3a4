using CsCheck;
using Moat.Cedar.Tests.Differential;

namespace Moat.Cedar.Tests.Evaluation;

public sealed class PartialEvaluatorTests
{
    private static readonly EntityUid Alice = new(new("U"), "a");
    private static readonly EntityUid View = new(new("Action"), "x");

    [Theory]
    [InlineData("permit(principal, action, resource);", Decision.Allow)]
    [InlineData("permit(principal == U::\"b\", action, resource);", Decision.Deny)]
    [InlineData("permit(principal, action, resource is G);", Decision.Deny)]
    [InlineData("permit(principal, action, resource is N::T);", Decision.Allow)]
    [InlineData("permit(principal, action, resource == N::T::\"a\");", null)]
    [InlineData("permit(principal, action, resource) when { resource == G::\"a\" };", Decision.Deny)]
    [InlineData("permit(principal, action, resource) when { resource is N::T && context.known == 1 };", Decision.Allow)]
    [InlineData("permit(principal, action, resource) when { context.open == 1 };", null)]
    [InlineData("permit(principal, action, resource) when { context.none == 1 };", Decision.Deny)]
    [InlineData("permit(principal, action, resource) when { context has none };", Decision.Deny)]
    [InlineData("permit(principal, action, resource) when { resource.x && false };", null)]
    [InlineData("permit(principal, action, resource) when { resource.x } when { false };", Decision.Deny)]
    [InlineData("permit(principal, action, resource); forbid(principal, action, resource) when { context.open };", null)]
    [InlineData("permit(principal, action, resource) when { resource.x }; forbid(principal, action, resource) when { principal == U::\"a\" };", Decision.Deny)]
    public void A_decision_is_given_when_nothing_open_can_change_it(string policies, Decision? decision)
    {
        var request = new PartialRequest { Principal = Alice, Action = View, ResourceType = new("N::T"), Context = ValueJson.ReadRecord("""{"known": 1}"""), UnknownFields = ["open"] };
        Assert.Equal(decision, PartialEvaluator.Decide(PolicySet.Parse(policies), request, EntityStore.Empty).Decision);
    }

    [Fact]
    public void What_is_known_stands_as_literals_in_what_is_left()
    {
        var set = PolicySet.Parse("""
            permit(principal in G::"a", action == Action::"x", resource in G::"r")
            when { principal.age > 3 && context.method == "GET" && resource.owner == principal && (context.host like "*.example" || context.size < 10 * 10) }
            unless { context.method == "PUT" };
            """);
        var entities = EntityJson.Read("""[{"uid": {"type": "U", "id": "a"}, "attrs": {"age": 4}, "parents": [{"type": "G", "id": "a"}]}]""");
        var request = new PartialRequest { Principal = Alice, Action = View, Context = ValueJson.ReadRecord("""{"method": "GET"}"""), UnknownFields = ["host", "size"] };
        var left = Assert.Single(PartialEvaluator.Decide(set, request, entities).Residuals);
        var expected = PolicySet.Parse("""
            permit(principal, action, resource in G::"r") when { resource.owner == U::"a" && (context.host like "*.example" || context.size < 100) };
            """);
        Assert.Equal(PolicyJson.Write(expected.Policies[0]), PolicyJson.Write(left));
    }

    [Fact]
    public void What_is_left_gives_what_the_whole_gives()
    {
        var hidden = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Bool, Gen.OneOf("flag", "n", "s", "e", "ip", "set", "nested", "").Array[0, 4]);
        var open = 0;
        Gen.Select(PolicyTexts.Policy, Requests.Entities, Requests.Request, hidden).Sample((text, entitiesJson, json, hide) =>
        {
            if (!PolicySet.TryParse(new SourceText(text), out var set, out _)) return;
            var (request, entities) = (RequestJson.Read(json), EntityJson.Read(entitiesJson));
            var partial = PartialEvaluator.Decide(set, Hide(request, hide), entities);
            open += partial.Residuals.Count;
            Assert.Equal(Outcome(set, request, entities), Outcome(partial, request, entities));
            var whole = new Authorizer(set).Decide(request, entities);
            Assert.True(partial.Decision is null || partial.Decision == whole.Decision);
            Assert.Equal(whole.Decision, new Authorizer(partial.ToPolicySet()).Decide(request, entities).Decision);
        }, iter: 10_000, threads: 1);
        Assert.True(open > 1_000, $"{open} residuals");
    }

    private static PartialRequest Hide(Request request, (bool Principal, bool Resource, bool Type, bool Action, string[] Fields) hide) => new()
    {
        Principal = hide.Principal ? null : request.Principal,
        PrincipalType = hide.Type ? request.Principal.Type : null,
        Action = hide.Action ? null : request.Action,
        Resource = hide.Resource ? null : request.Resource,
        ResourceType = hide.Type ? request.Resource.Type : null,
        Context = hide.Fields.Contains("") ? null : CedarRecord.Create(request.Context.Fields.Where(f => !hide.Fields.Contains(f.Key))),
        UnknownFields = [.. hide.Fields],
    };

    private static string Outcome(PartialResult partial, Request request, EntityStore entities)
    {
        if (partial.Satisfied.Count > 0) return "applies";
        if (partial.Errors.Count > 0) return "fails";
        return partial.Residuals.Count == 0 ? "does not apply" : Outcome(PolicySet.Create(partial.Residuals), request, entities);
    }

    private static string Outcome(PolicySet set, Request request, EntityStore entities)
    {
        var context = new EvaluationContext();
        context.Begin(request, entities);
        return new CompiledPolicy(Assert.Single(set.Policies), 0).Test(context) switch { Truth.True => "applies", Truth.False => "does not apply", _ => "fails" };
    }
}
