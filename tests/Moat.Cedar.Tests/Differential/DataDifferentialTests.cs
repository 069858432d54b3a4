using System.Text.Json.Nodes;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Differential;

/// <summary>Entities and requests against a schema, with and without their escapes, and spoiled.</summary>
public sealed class DataDifferentialTests
{
    private const int PoliciesPerSeed = 20;

    [Fact]
    public void Data_is_accepted_and_refused_alike()
    {
        using var peer = WasmPeer.Start();
        var (accepted, refused) = (0, 0);
        foreach (var seed in DifferentialRun.Seeds(PoliciesPerSeed))
        {
            var dice = new Dice(seed);
            var shape = SchemaGenerator.Generate(seed);
            var data = new DataGenerator(shape, dice);
            var entities = JsonNode.Parse(JsonText.Of(writer => EntityJson.Write(writer, data.Entities())))!.AsArray();
            if (data.Request() is not { } request) continue;
            var context = JsonNode.Parse(JsonText.Of(writer => ValueJson.Write(writer, CedarValue.Record(request.Context))))!;
            var call = new JsonObject
            {
                ["principal"] = Uid(request.Principal),
                ["action"] = Uid(request.Action),
                ["resource"] = Uid(request.Resource),
                ["context"] = context,
            };
            foreach (var escape in JsonSpoiler.Nodes(entities).Concat(JsonSpoiler.Nodes(context)).Where(n => n.Parent is not null && dice.Chance(40)).ToList()) Bare(escape);
            if (dice.Chance(60)) JsonSpoiler.Spoil(dice, dice.Chance(50) ? entities : call, ["TA", "red", "1.5", "10.0.0.1"]);
            var ours = Fits(shape.Text, entities.ToJsonString(), call.ToJsonString());
            call["policies"] = new JsonObject { ["staticPolicies"] = "permit(principal, action, resource);" };
            call["entities"] = entities;
            call["schema"] = shape.Text;
            call["validateRequest"] = true;
            var shown = call.ToJsonString();
            var answer = peer.Ask(new JsonArray("isAuthorized", call))[0];
            Assert.True((ours is null) == (answer.TryGetProperty("type", out var type) && type.GetString() == "success"), $"seed {seed}\n{shown}\nours: {ours}\ntheirs: {answer.GetRawText()}");
            if (ours is null) accepted++;
            else refused++;
        }

        Assert.True(accepted > (accepted + refused) / 4 && refused > (accepted + refused) / 5, $"{accepted} accepted, {refused} refused");
    }

    private static JsonObject Uid(EntityUid uid) => new() { ["type"] = uid.Type.Name, ["id"] = uid.Id };

    private static string? Fits(string text, string entities, string request)
    {
        var schema = CedarSchema.Parse(text);
        var validator = new DataValidator(schema);
        try
        {
            var errors = validator.Validate(EntityJson.Read(entities, schema)).Concat(validator.Validate(RequestJson.Read(request, schema))).ToList();
            return errors.Count == 0 ? null : string.Join('\n', errors);
        }
        catch (CedarException exception)
        {
            return exception.Message;
        }
    }

    // Leaves the escape out, as the schema allows it.
    private static void Bare(JsonNode node)
    {
        if (node is not JsonObject { Count: 1 } escape) return;
        if (escape["__entity"] is { } uid) node.ReplaceWith(uid.DeepClone());
        else if (escape["__extn"] is { } call && call["arg"] is { } argument) node.ReplaceWith(argument.DeepClone());
    }
}
