using System.Collections.Immutable;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>
/// Reads the values that stand in policies of the JSON form. They become expressions, not values: a call of an extension
/// function that fails makes its policy fail when it is evaluated, as it would in the Cedar form.
/// </summary>
internal static class LiteralJson
{
    public static Expression Read(JsonPlace place, int depth = 0)
    {
        if (depth > ValueJson.MaxDepth) throw place.Error($"values stand more than {ValueJson.MaxDepth} deep in each other");
        switch (place.Element.ValueKind)
        {
            case JsonValueKind.Array:
                var elements = ImmutableArray.CreateBuilder<Expression>();
                foreach (var item in place.Items()) elements.Add(Read(item, depth + 1));
                return new SetExpression(elements.ToImmutable());
            case JsonValueKind.Object when Alone(place, "__extn") is { } call && ExtensionJson.IsCall(call):
                call.AllowOnly("fn", call.Find("arg") is null ? "args" : "arg");
                return new CallExpression(ExtensionJson.Function(call).Function, [.. ExtensionJson.Arguments(call).Select(a => Read(a, depth + 1))]);
            case JsonValueKind.Object when Alone(place, "__entity") is { } uid && ValueJson.IsUid(uid):
                uid.AllowOnly("type", "id");
                return new LiteralExpression(CedarValue.Entity(ValueJson.ReadUid(uid)));
            case JsonValueKind.Object when Alone(place, "__expr") is not { Element.ValueKind: JsonValueKind.String }:
                var fields = ImmutableArray.CreateBuilder<KeyValuePair<string, Expression>>();
                foreach (var (name, value) in place.Properties()) fields.Add(new(name, Read(value, depth + 1)));
                return new RecordExpression(fields.ToImmutable());
            default:
                return ValueExpression.Of(ValueJson.Read(place, null, depth));
        }
    }

    private static JsonPlace? Alone(JsonPlace place, string escape) => place.Element.GetPropertyCount() == 1 ? place.Find(escape) : null;
}
