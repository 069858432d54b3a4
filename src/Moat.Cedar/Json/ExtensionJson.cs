using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Extension values as JSON: a call of the function that makes them.</summary>
internal static class ExtensionJson
{
    /// <summary>Whether the object names a function and its argument or arguments.</summary>
    public static bool IsCall(JsonPlace place) => place.Find("fn") is { Element.ValueKind: JsonValueKind.String }
        && (place.Find("arg") is not null || place.Find("args") is { Element.ValueKind: JsonValueKind.Array });

    /// <summary>Reads <c>{"fn", "arg"}</c> or <c>{"fn", "args"}</c> and carries out the call.</summary>
    /// <param name="place">The object.</param>
    /// <param name="isTyped">Whether a schema has an extension value there, so that the arguments too may leave out their escapes.</param>
    /// <param name="depth">How deep it stands.</param>
    public static CedarValue Read(JsonPlace place, bool isTyped, int depth)
    {
        var signature = Function(place);
        var arguments = Arguments(place)
            .Select((item, i) => ValueJson.Read(item, isTyped && i < signature.Parameters.Length ? CedarType.Of(signature.Parameters[i]) : null, depth + 1)).ToArray();
        if (arguments.Length != signature.Parameters.Length) throw place.Error($"`{signature.Name}` takes {signature.Parameters.Length}, not {arguments.Length} arguments");
        return Call(place, signature.Function, arguments[0], arguments.Length > 1 ? arguments[1] : default);
    }

    /// <summary>The function that a call names.</summary>
    public static ExtensionSignature Function(JsonPlace call)
    {
        var name = call.Property("fn");
        return ExtensionFunctions.Find(name.Text()) ?? throw name.Error("there is no such function");
    }

    /// <summary>The arguments of a call.</summary>
    public static IEnumerable<JsonPlace> Arguments(JsonPlace call) => call.Find("arg") is { } argument ? [argument] : call.Property("args").Items();

    public static CedarValue Call(JsonPlace place, ExtensionFunction function, CedarValue first, CedarValue second = default) =>
        ExtensionOperations.Apply(function, first, second, out var value) == ExtensionFault.None
            ? value
            : throw place.Error($"`{function.Name()}` does not take {first}");

    public static void Write(Utf8JsonWriter writer, CedarValue value)
    {
        switch (value.Kind)
        {
            case CedarKind.Ip:
                Write(writer, ExtensionFunction.Ip, value.AsIp()!.ToString());
                break;
            case CedarKind.Decimal when value.TryGetScaled(CedarKind.Decimal, out var number):
                Write(writer, ExtensionFunction.Decimal, ValueText.Decimal(number));
                break;
            case CedarKind.Duration when value.TryGetScaled(CedarKind.Duration, out var length):
                Write(writer, ExtensionFunction.Duration, $"{length}ms");
                break;
            case CedarKind.DateTime when value.TryGetScaled(CedarKind.DateTime, out var instant):
                // An instant past the year 9999 has no literal; every instant is an offset from the first.
                writer.WriteStartObject();
                writer.WriteStartObject("__extn");
                writer.WriteString("fn", ExtensionFunction.Offset.Name());
                writer.WriteStartArray("args");
                Write(writer, ExtensionFunction.DateTime, "1970-01-01");
                Write(writer, ExtensionFunction.Duration, $"{instant}ms");
                writer.WriteEndArray();
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
        }
    }

    private static void Write(Utf8JsonWriter writer, ExtensionFunction function, string text)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("__extn");
        writer.WriteString("fn", function.Name());
        writer.WriteString("arg", text);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
