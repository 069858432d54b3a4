using System.Text.Json;
using System.Text.Json.Nodes;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Differential;

public sealed class ValidatorDifferentialTests
{
    private const int PoliciesPerSchema = 10;

    [Fact]
    public void Policies_are_accepted_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (accepted, refused, impossible, linked) = (0, 0, 0, 0);
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSchema))
        {
            var shape = SchemaGenerator.Generate(seed);
            var generator = new PolicyGenerator(shape, seed);
            var set = PolicySet.Create(Enumerable.Range(0, PoliciesPerSchema).Select(i => Read(generator.Policy(), $"p{i}")));
            foreach (var template in set.Templates) set = set.Link(Link(template, shape, new Dice(seed)));
            var answer = peer.Ask(new JsonArray("validate", Call(shape.Text, set)))[0];
            Assert.True(answer.GetProperty("type").GetString() == "success", $"seed {seed}\n{answer.GetRawText()}\n{shape.Text}");
            var theirErrors = Ids(answer, "validationErrors", "");
            var theirWarnings = Ids(answer, "validationWarnings", "impossible");
            var ours = new PolicyValidator(CedarSchema.Parse(shape.Text)).Validate(set).ToLookup(d => d.PolicyId);
            foreach (var policy in set.Templates.Concat(set.Policies))
            {
                var wrong = ours[policy.Id].Any(d => d.Severity == DiagnosticSeverity.Error);
                var never = ours[policy.Id].Any(d => d.Severity == DiagnosticSeverity.Warning);
                Assert.True(
                    wrong == theirErrors.Contains(policy.Id) && never == theirWarnings.Contains(policy.Id),
                    $"seed {seed}\n{shape.Text}\n{policy.Source!.Text}\n{policy.Link}\nours: {string.Join('\n', ours[policy.Id])}\ntheirs: {answer.GetRawText()}");
                if (wrong) refused++;
                else accepted++;
                if (never) impossible++;
                if (policy.Link is not null) linked++;
            }
        }

        // A generator that went astray would compare nothing.
        var total = accepted + refused;
        Assert.True(accepted > total / 5 && refused > total / 5 && impossible > total / 50 && linked > total / 50, $"{accepted} accepted, {refused} refused, {impossible} impossible, {linked} linked");
    }

    private static Policy Read(string text, string id)
    {
        var set = PolicySet.Parse(text);
        return set.Policies.Concat(set.Templates).Single() with { Id = id };
    }

    private static TemplateLink Link(Policy template, SchemaShape shape, Dice dice)
    {
        return new TemplateLink($"{template.Id}-linked", template.Id, template.Principal.Slot is null ? null : Any(), template.Resource.Slot is null ? null : Any());

        EntityUid Any() => new(new EntityType(dice.Chance(10) ? "Missing" : dice.Pick(shape.Entities).Name), "red");
    }

    private static JsonObject Call(string schema, PolicySet set)
    {
        var (fixedOnes, templates, links) = (new JsonObject(), new JsonObject(), new JsonArray());
        foreach (var policy in set.Templates) templates[policy.Id] = policy.Source!.Text;
        foreach (var policy in set.Policies)
        {
            if (policy.Link is not { } link)
            {
                fixedOnes[policy.Id] = policy.Source!.Text;
                continue;
            }

            var values = new JsonObject();
            if (link.Principal is { } principal) values["?principal"] = new JsonObject { ["type"] = principal.Type.Name, ["id"] = principal.Id };
            if (link.Resource is { } resource) values["?resource"] = new JsonObject { ["type"] = resource.Type.Name, ["id"] = resource.Id };
            links.Add((JsonNode)new JsonObject { ["templateId"] = link.TemplateId, ["newId"] = policy.Id, ["values"] = values });
        }

        return new JsonObject
        {
            ["schema"] = schema,
            ["policies"] = new JsonObject { ["staticPolicies"] = fixedOnes, ["templates"] = templates, ["templateLinks"] = links },
        };
    }

    private static HashSet<string> Ids(JsonElement answer, string list, string mark) => [.. answer.GetProperty(list).EnumerateArray()
        .Where(e => e.GetProperty("error").GetProperty("message").GetString()!.Contains(mark, StringComparison.Ordinal))
        .Select(e => e.GetProperty("policyId").GetString()!)];
}
