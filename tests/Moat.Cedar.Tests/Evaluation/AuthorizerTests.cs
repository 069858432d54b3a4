using CsCheck;

namespace Moat.Cedar.Tests.Evaluation;

public sealed class AuthorizerTests
{
    private static readonly EntityUid Alice = new(new("User"), "alice");
    private static readonly EntityUid View = new(new("Action"), "view");
    private static readonly EntityUid Photo = new(new("Photo"), "p");

    [Fact]
    public void Nothing_permits_nothing()
    {
        var result = Decide("");
        Assert.Equal(Decision.Deny, result.Decision);
        Assert.Empty(result.Reasons);
    }

    [Fact]
    public void A_forbid_wins_and_is_the_reason()
    {
        var result = Decide("permit(principal, action, resource); forbid(principal, action, resource); forbid(principal == User::\"x\", action, resource);");
        Assert.Equal(Decision.Deny, result.Decision);
        Assert.Equal(["policy1"], result.Reasons.Select(p => p.Id));
    }

    [Fact]
    public void A_policy_with_an_error_is_skipped_and_reported()
    {
        var result = Decide("permit(principal, action, resource); forbid(principal, action, resource) when { principal.x }; permit(principal, action, resource) unless { 1 };");
        Assert.Equal(Decision.Allow, result.Decision);
        Assert.Equal(["policy0"], result.Reasons.Select(p => p.Id));
        Assert.Equal(["policy1", "policy2"], result.Errors.Select(e => e.Policy!.Id));
        Assert.Equal("1:81", result.Errors[0].ToDiagnostic().Position.ToString());
    }

    [Fact]
    public void Conditions_are_asked_in_their_order_and_stop_the_rest()
    {
        Assert.Empty(Decide("permit(principal, action, resource) when { false } when { 1 };").Errors);
        Assert.Empty(Decide("permit(principal, action, resource) unless { true } when { 1 };").Errors);
        Assert.Single(Decide("permit(principal, action, resource) when { 1 } when { false };").Errors);
    }

    [Fact]
    public void Linked_templates_decide_and_templates_do_not()
    {
        var set = PolicySet.Parse("permit(principal == ?principal, action, resource);");
        Assert.Equal(Decision.Deny, new Authorizer(set).Decide(Ask(), EntityStore.Empty).Decision);
        var result = new Authorizer(set.Link(new TemplateLink("linked", "policy0", Alice, null))).Decide(Ask(), EntityStore.Empty);
        Assert.Equal(Decision.Allow, result.Decision);
        Assert.Equal("linked", result.Reasons[0].Id);
    }

    [Fact]
    public void A_decision_allocates_nothing_errors_included()
    {
        var authorizer = new Authorizer(PolicySet.Parse("""
            permit(principal in Group::"staff", action in [Action::"view", Action::"edit"], resource is Photo) when { context.tags.contains("a") && context.path like "/a/*" };
            permit(principal, action, resource) when { principal.age + 1 > 3 && ip("10.0.0.1").isInRange(context.ip) && principal has address.zip };
            forbid(principal, action, resource) when { context.missing };
            forbid(principal, action, resource) when { principal.missing == 9223372036854775807 + context.n };
            permit(principal, action, resource == Photo::"p") unless { decimal("1.0").lessThan(decimal("0.5")) || [1, 2].containsAny(context.numbers) };
            """));
        var entities = EntityJson.Read("""
            [{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3, "address": {"zip": "1"}}, "parents": [{"type": "Group", "id": "staff"}]}]
            """);
        var request = new Request(Alice, View, Photo, ValueJson.ReadRecord("""
            {"tags": ["a", "b"], "path": "/a/b", "n": 1, "numbers": [3], "ip": {"__extn": {"fn": "ip", "arg": "10.0.0.0/8"}}}
            """));
        var result = new AuthorizationResult();
        for (var i = 0; i < 100; i++) authorizer.Decide(request, entities, result);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) authorizer.Decide(request, entities, result);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(Decision.Allow, result.Decision);
        Assert.Equal(3, result.Reasons.Count);
        Assert.Equal(2, result.Errors.Count);
    }

    [Fact]
    public void The_index_finds_every_policy_that_a_walk_over_all_of_them_finds()
    {
        var uid = Gen.Select(Gen.OneOf("User", "Group", "Photo"), Gen.OneOf("a", "b", "c"), (type, id) => $"{type}::\"{id}\"");
        var action = Gen.OneOf("a", "b", "g").Select(id => $"Action::\"{id}\"");
        var scope = (string name) => Gen.OneOf(
            Gen.Const(name),
            uid.Select(u => $"{name} == {u}"),
            uid.Select(u => $"{name} in {u}"),
            Gen.OneOf("User", "Photo").Select(t => $"{name} is {t}"),
            Gen.Select(Gen.OneOf("User", "Photo"), uid, (t, u) => $"{name} is {t} in {u}"));
        var actionScope = Gen.OneOf(Gen.Const("action"), action.Select(a => $"action == {a}"), action.Array[0, 3].Select(a => $"action in [{string.Join(',', a)}]"));
        var condition = Gen.OneOf(
            Gen.Const(""),
            uid.Select(u => $"when {{ resource == {u} && true }}"),
            uid.Select(u => $"when {{ {u} == principal }}"),
            uid.Array[0, 3].Select(u => $"when {{ resource in [{string.Join(',', u)}] }}"),
            uid.Select(u => $"when {{ principal.x || resource in {u} }}"),
            uid.Select(u => $"unless {{ resource in {u} }}"),
            uid.Select(u => $"when {{ principal is User && resource is Photo && action == Action::\"a\" && resource.x == {u} }}"));
        var policy = Gen.Select(Gen.OneOf("permit", "forbid"), scope("principal"), actionScope, scope("resource"), condition, (e, p, a, r, c) => $"{e}({p}, {a}, {r}) {c};");
        var parents = uid.Array[0, 2];
        Gen.Select(policy.Array[1, 12], Gen.Select(uid, parents).Array[0, 5], uid, action, uid).Sample((policies, hierarchy, principal, asked, resource) =>
        {
            var set = PolicySet.Parse(string.Join('\n', policies));
            var entities = Store(hierarchy);
            var request = new Request(Uid(principal), Uid(asked), Uid(resource));
            var result = new Authorizer(set).Decide(request, entities);
            var context = new EvaluationContext();
            context.Begin(request, entities);
            var all = set.Policies.Select((p, i) => (Policy: p, Truth: new CompiledPolicy(p, i).Test(context))).ToList();
            Assert.Equal(all.Where(p => p.Truth == Truth.Error).Select(p => p.Policy.Id), result.Errors.Select(e => e.Policy!.Id));
            var effect = result.Decision == Decision.Allow ? Effect.Permit : Effect.Forbid;
            Assert.Equal(all.Where(p => p.Truth == Truth.True && p.Policy.Effect == effect).Select(p => p.Policy.Id), result.Reasons.Select(p => p.Id));
            Assert.Equal(result.Decision == Decision.Allow, all.Any(p => p.Truth == Truth.True && p.Policy.Effect == Effect.Permit) && !all.Any(p => p.Truth == Truth.True && p.Policy.Effect == Effect.Forbid));
        }, iter: 5_000);
    }

    private static EntityStore Store((string Uid, string[] Parents)[] hierarchy)
    {
        // An edge to a greater name only, so that there is no cycle.
        var entities = hierarchy.GroupBy(e => e.Uid).Select(g => new Entity(
            Uid(g.Key), CedarRecord.Create(new KeyValuePair<string, CedarValue>("x", CedarValue.Bool(true))), g.SelectMany(e => e.Parents).Where(p => string.CompareOrdinal(p, g.Key) > 0).Select(Uid)));
        var groups = new[] { "a", "b" }.Select(id => new Entity(Uid($"Action::\"{id}\""), parents: [Uid("Action::\"g\"")]));
        return EntityStore.Create(entities.Concat(groups));
    }

    private static EntityUid Uid(string text) => EntityUid.TryParse(text, out var uid) ? uid : throw new FormatException(text);

    private static Request Ask() => new(Alice, View, Photo);

    private static AuthorizationResult Decide(string policies) => new Authorizer(PolicySet.Parse(policies)).Decide(Ask(), EntityStore.Empty);
}
