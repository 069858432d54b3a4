using System.Globalization;
using System.Text.Json;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>The arguments of one call of an MCP tool as policies see them: by path, in the kinds that Cedar has.</summary>
public sealed class McpArguments
{
    /// <summary>Values of one call, at any depth; more are not judged.</summary>
    public const int MaxValues = 4096;

    private readonly Dictionary<string, CedarValue> texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CedarValue> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CedarValue> flags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CedarValue> lists = new(StringComparer.Ordinal);
    private readonly List<string> names = [];
    private readonly List<string> paths = [];

    private McpArguments()
    {
    }

    /// <summary>A call without arguments.</summary>
    public static McpArguments None { get; } = new();

    /// <summary>Names of the arguments, without what is in them.</summary>
    internal IReadOnlyList<string> Names => names;

    /// <summary>Paths of all that is in them.</summary>
    internal IReadOnlyList<string> Paths => paths;

    internal CedarRecord Texts => CedarRecord.Create(texts);

    internal CedarRecord Numbers => CedarRecord.Create(numbers);

    internal CedarRecord Flags => CedarRecord.Create(flags);

    internal CedarRecord Lists => CedarRecord.Create(lists);

    /// <summary>Reads the <c>arguments</c> of a call.</summary>
    /// <param name="arguments">An object without duplicate names.</param>
    /// <param name="error">Why they cannot be judged; without any of their text.</param>
    /// <exception cref="InvalidOperationException">A text holds half of a surrogate pair.</exception>
    public static bool TryRead(JsonElement arguments, out McpArguments result, out string error)
    {
        result = new McpArguments();
        error = "";
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            error = "the arguments of the call are no object";
            return false;
        }

        foreach (var property in arguments.EnumerateObject())
        {
            result.names.Add(property.Name);
            if (result.Add(Escape(property.Name), property.Value)) continue;
            error = string.Create(CultureInfo.InvariantCulture, $"the call has more than {MaxValues} values in its arguments");
            return false;
        }

        return true;
    }

    private bool Add(string path, JsonElement value)
    {
        if (paths.Count == MaxValues) return false;
        paths.Add(path);
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    if (!Add($"{path}/{Escape(property.Name)}", property.Value)) return false;
                }

                return true;
            case JsonValueKind.Array:
                return AddList(path, value);
            case JsonValueKind.Null:
                return true;
            default:
                var text = TextOf(value);
                texts[path] = CedarValue.String(text);
                if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) flags[path] = CedarValue.Bool(value.GetBoolean());
                else if (value.ValueKind == JsonValueKind.Number && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) numbers[path] = CedarValue.Long(number);
                return true;
        }
    }

    private bool AddList(string path, JsonElement list)
    {
        var at = 0;
        var elements = new List<CedarValue>();
        foreach (var element in list.EnumerateArray())
        {
            if (!Add(string.Create(CultureInfo.InvariantCulture, $"{path}/{at++}"), element)) return false;
            if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null)) elements.Add(CedarValue.String(TextOf(element)));
        }

        if (elements.Count == at) lists[path] = CedarValue.Set(CedarSet.Create(elements));
        return true;
    }

    // 6, 6.0 and 6e0 are one number, and servers read them so.
    private static string TextOf(JsonElement scalar) => scalar.ValueKind switch
    {
        JsonValueKind.String => scalar.GetString()!,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ when scalar.TryGetDecimal(out var number) && decimal.Truncate(number) == number => (decimal.Truncate(number) + 0m).ToString("0", CultureInfo.InvariantCulture),
        _ => scalar.GetRawText(),
    };

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
