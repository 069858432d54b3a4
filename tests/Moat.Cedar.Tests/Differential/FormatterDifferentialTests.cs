using System.Text.Json.Nodes;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Differential;

public sealed class FormatterDifferentialTests
{
    private const int PoliciesPerSeed = 20;
    private const int PoliciesPerText = 4;

    [Fact]
    public void Policies_are_laid_out_alike_with_their_comments()
    {
        using var peer = WasmPeer.Start();
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSeed))
        {
            var generator = new PolicyGenerator(SchemaGenerator.Generate(seed), seed);
            var text = CommentedText.Of(new Dice(seed), Enumerable.Range(0, PoliciesPerText).Select(_ => generator.Policy()));
            var width = 40 + seed % 80;
            var answer = peer.Ask(new JsonArray("formatPolicies", new JsonObject { ["policyText"] = text, ["lineWidth"] = width, ["indentWidth"] = 2 }))[0];
            Assert.True(answer.GetProperty("type").GetString() == "success", $"{text}\n{answer.GetRawText()}");
            Assert.Equal(answer.GetProperty("formatted_policy").GetString(), PolicyFormatter.Format(new SourceText(text), width));
        }
    }
}
