using System.Text.Json;
using System.Text.Json.Nodes;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Differential;

public sealed class SchemaDifferentialTests
{
    private const int PoliciesPerSeed = 20;

    [Fact]
    public void Schemas_are_read_refused_and_translated_alike()
    {
        using var peer = WasmPeer.Start();
        var (read, refused) = (0, 0);
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSeed))
        {
            var text = SchemaGenerator.Generate(seed, mistakes: seed % 2 == 1).Text;
            var isRead = CedarSchema.TryParse(new SourceText(text), out _, out var diagnostics);
            var answers = peer.Ask(new JsonArray("checkParseSchema", text), new JsonArray("schemaToJson", text));
            var shown = $"seed {seed}\n{text}\nours: {string.Join('\n', diagnostics)}\ntheirs: {answers[0].GetRawText()}";
            Assert.True(Succeeded(answers[0]) == isRead, shown);
            if (!isRead)
            {
                refused++;
                continue;
            }

            read++;
            var fragment = Fragment(text);
            var ours = fragment.ToJson();
            Assert.True(Succeeded(answers[1]) && JsonNode.DeepEquals(JsonNode.Parse(answers[1].GetProperty("json").GetRawText()), JsonNode.Parse(ours)), $"{shown}\n{ours}\n{answers[1].GetRawText()}");
            Translated(peer, fragment, ours, shown);
        }

        Assert.True(read > (read + refused) / 3 && refused > (read + refused) / 6, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Spoiled_JSON_forms_are_read_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (read, refused) = (0, 0);
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSeed / 2))
        {
            var json = JsonNode.Parse(Fragment(SchemaGenerator.Generate(seed).Text).ToJson())!;
            JsonSpoiler.Spoil(new Dice(seed), json, ["Long", "TA", "App::TB", "Record", "__cedar::Bool", "ipaddr", "a b", ""]);
            var ours = CedarSchema.TryParseJson(json.ToJsonString(), out _, out var diagnostics);
            var answer = peer.Ask(new JsonArray("checkParseSchema", json.DeepClone()))[0];
            var theirs = answer.TryGetProperty("type", out var type) && type.GetString() == "success";
            Assert.True(ours == theirs, $"seed {seed}\n{json}\nours: {string.Join('\n', diagnostics)}\ntheirs: {answer.GetRawText()}");
            if (ours) read++;
            else refused++;
        }

        Assert.True(read > (read + refused) / 10 && refused > (read + refused) / 4, $"{read} read, {refused} refused");
    }

    // Their Cedar form of our JSON says the same as ours, and they read ours.
    private static void Translated(WasmPeer peer, SchemaFragment fragment, string json, string shown)
    {
        var cedar = fragment.ToCedar();
        var answers = peer.Ask(new JsonArray("schemaToText", JsonNode.Parse(json)), new JsonArray("schemaToJson", cedar));
        Assert.True(answers.All(Succeeded), $"{shown}\n{cedar}\n{answers[0].GetRawText()}\n{answers[1].GetRawText()}");
        Assert.Equal(json, Fragment(answers[0].GetProperty("text").GetString()!).ToJson());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(answers[1].GetProperty("json").GetRawText()), JsonNode.Parse(json)), $"{shown}\n{cedar}");
    }

    private static SchemaFragment Fragment(string text) =>
        SchemaFragment.TryParse(new SourceText(text), out var fragment, out var diagnostics) ? fragment : throw new CedarException(diagnostics);

    private static bool Succeeded(JsonElement answer) => answer.GetProperty("type").GetString() == "success";
}
