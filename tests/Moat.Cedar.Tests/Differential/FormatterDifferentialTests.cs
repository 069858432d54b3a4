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
            Assert.Equal(Trimmed(answer.GetProperty("formatted_policy").GetString()!), Trimmed(PolicyFormatter.Format(new SourceText(text), width)));
        }
    }

    // The reference implementation leaves a blank at the end of a line before a comment on a line of its own.
    private static string Trimmed(string text) => string.Join('\n', text.Split('\n').Select(line => line.TrimEnd(' ')));
}
