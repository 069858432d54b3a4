using System.Text.Json;

namespace Moat.Cedar.Tests.Corpus;

/// <summary>One case: a policy set, a schema, entities, and requests with what Cedar says of them.</summary>
internal sealed class CorpusCase
{
    private readonly Dictionary<string, string> texts;

    public CorpusCase(string name, string json, Dictionary<string, string> texts)
    {
        this.texts = texts;
        Name = name;
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        Policies = Text(root, "policies");
        Schema = Text(root, "schema");
        Entities = Text(root, "entities");
        ShouldValidate = root.GetProperty("shouldValidate").GetBoolean();
        Requests = [.. root.GetProperty("requests").EnumerateArray().Select(r => r.Clone())];
    }

    public string Name { get; }

    public string Policies { get; }

    public string Schema { get; }

    public string Entities { get; }

    public bool ShouldValidate { get; }

    /// <summary>With principal, action, resource, context, decision, reason, errors, and mostly validateRequest.</summary>
    public IReadOnlyList<JsonElement> Requests { get; }

    public override string ToString() => Name;

    // The generated cases name their files as they were called before they were packed.
    private string Text(JsonElement root, string property)
    {
        var name = root.GetProperty(property).GetString()!;
        return texts.TryGetValue(name, out var text) ? text : texts[name.Replace("corpus-tests/", "corpus/", StringComparison.Ordinal)];
    }
}
