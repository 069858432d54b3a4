using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

public sealed class ParserDifferentialTests
{
    private static readonly Gen<string> Piece = Gen.OneOf(
        "permit", "forbid", "(", ")", "principal", "action", "resource", "context", "==", "!=", "in", "is", "has", "like", "when", "unless", "{", "}", ";", ",", "User", "::", ":", "\"a\"", "1", "&&", "||",
        "!", "-", "--", "+", "*", "/", ".", "[", "]", "@", "@id", "if", "then", "else", "true", "?principal", "?resource", "?x", "?", "\"", "\\", "\n", "// x\n", "=", "<", "$", "\u00e9", "\"\\u{0}\"", "\"\\r\"",
        "\r\n", "__cedar", "ip", "Action::\"x\"", "U::\"a\"", "\u00a0", "\f", "\u200b", "9223372036854775808", "\"\n\"", "a.b");

    [Fact]
    public void Spoiled_policies_are_read_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (read, refused) = (0, 0);
        var spoil = Gen.Select(Gen.Int[0, 3], Gen.Double.Unit, Gen.Double.Unit, Piece);
        Gen.Select(PolicyTexts.Policy.Array[1, 2], spoil.Array[1, 2]).Sample((policies, spoils) =>
        {
            var text = spoils.Aggregate(string.Join('\n', policies), (before, s) => Spoil(before, s.Item1, s.Item2, s.Item3, s.Item4));
            var answer = peer.Ask(new JsonArray("checkParsePolicySet", new JsonObject { ["staticPolicies"] = text }))[0];
            var theirs = answer.GetProperty("type").GetString() == "success";
            var ours = PolicySet.TryParse(new SourceText(text), out var set, out var diagnostics) && set.Templates.IsEmpty;
            Assert.True(ours == theirs, $"{text}\n{answer.GetRawText()}\n{string.Join('\n', diagnostics)}");
            if (ours) read++;
            else refused++;
        }, iter: DifferentialRun.Cases(10_000), threads: 1);
        Assert.True(read > 200 && refused > 200, $"{read} read, {refused} refused");
    }

    // Puts a piece in, cuts some characters out, does both, or puts a space in.
    private static string Spoil(string text, int kind, double at, double length, string piece)
    {
        var start = (int)(at * text.Length);
        var cut = kind is 1 or 2 ? Math.Min(text.Length - start, (int)(length * 8) + 1) : 0;
        return text[..start] + (kind switch { 0 or 2 => piece, 3 => " ", _ => "" }) + text[(start + cut)..];
    }
}
