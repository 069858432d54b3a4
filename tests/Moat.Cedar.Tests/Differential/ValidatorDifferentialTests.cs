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
        var (accepted, refused, impossible) = (0, 0, 0);
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSchema))
        {
            var shape = SchemaGenerator.Generate(seed);
            var generator = new PolicyGenerator(shape, seed);
            var policies = Enumerable.Range(0, PoliciesPerSchema).Select(i => Read(generator.Policy(), $"p{i}")).ToList();
            var answer = peer.Ask(new JsonArray("validate", Call(shape.Text, policies)))[0];
            Assert.True(answer.GetProperty("type").GetString() == "success", $"seed {seed}\n{answer.GetRawText()}\n{shape.Text}\n{string.Join('\n', policies.Select(p => p.Source!.Text))}");
            var theirErrors = Ids(answer, "validationErrors", "");
            var theirWarnings = Ids(answer, "validationWarnings", "impossible");
            var validator = new PolicyValidator(CedarSchema.Parse(shape.Text));
            foreach (var policy in policies)
            {
                var ours = validator.Validate(policy);
                var wrong = ours.Any(d => d.Severity == DiagnosticSeverity.Error);
                var never = ours.Any(d => d.Severity == DiagnosticSeverity.Warning);
                Assert.True(
                    wrong == theirErrors.Contains(policy.Id) && never == theirWarnings.Contains(policy.Id),
                    $"seed {seed}\n{shape.Text}\n{policy.Source!.Text}\nours: {string.Join('\n', ours)}\ntheirs: {answer.GetRawText()}");
                if (wrong) refused++;
                else accepted++;
                if (never) impossible++;
            }
        }

        // A generator that went astray would compare nothing.
        var total = accepted + refused;
        Assert.True(accepted > total / 5 && refused > total / 5 && impossible > total / 50, $"{accepted} accepted, {refused} refused, {impossible} impossible");
    }

    private static Policy Read(string text, string id)
    {
        var set = PolicySet.Parse(text);
        return set.Policies.Concat(set.Templates).Single() with { Id = id };
    }

    private static JsonObject Call(string schema, IEnumerable<Policy> policies)
    {
        var (fixedOnes, templates) = (new JsonObject(), new JsonObject());
        foreach (var policy in policies) (policy.IsTemplate ? templates : fixedOnes)[policy.Id] = policy.Source!.Text;
        return new JsonObject
        {
            ["schema"] = schema,
            ["policies"] = new JsonObject { ["staticPolicies"] = fixedOnes, ["templates"] = templates },
        };
    }

    private static HashSet<string> Ids(JsonElement answer, string list, string mark) => [.. answer.GetProperty(list).EnumerateArray()
        .Where(e => e.GetProperty("error").GetProperty("message").GetString()!.Contains(mark, StringComparison.Ordinal))
        .Select(e => e.GetProperty("policyId").GetString()!)];
}
