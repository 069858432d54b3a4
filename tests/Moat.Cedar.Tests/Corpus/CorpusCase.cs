using System.Text.Json;

namespace Moat.Cedar.Tests.Corpus;

/// <summary>A policy set, its schema, its entities, and what the reference implementation says of them.</summary>
/// <param name="Name">The name of the file that names the others.</param>
/// <param name="Policies">Policies in the Cedar form.</param>
/// <param name="Schema">A schema in the Cedar form.</param>
/// <param name="Entities">Entities as JSON.</param>
/// <param name="ShouldValidate">Whether the validator accepts the policies.</param>
/// <param name="Requests">Requests with their answers.</param>
public sealed record CorpusCase(string Name, string Policies, string Schema, string Entities, bool ShouldValidate, IReadOnlyList<CorpusRequest> Requests)
{
    public static CorpusCase Create(string name, string json, Func<string, string> file)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        return new CorpusCase(
            name,
            file(root.GetProperty("policies").GetString()!),
            file(root.GetProperty("schema").GetString()!),
            file(root.GetProperty("entities").GetString()!),
            root.GetProperty("shouldValidate").GetBoolean(),
            [.. root.GetProperty("requests").EnumerateArray().Select(CorpusRequest.Create)]);
    }
}

/// <summary>A request and its answer.</summary>
/// <param name="Json">The request as JSON.</param>
/// <param name="ShouldValidate">Whether the reference implementation checks it against the schema.</param>
/// <param name="Decision">Whether it is allowed.</param>
/// <param name="Reasons">The ids of the deciding policies, sorted.</param>
/// <param name="Errors">The ids of the policies with an error, sorted.</param>
public sealed record CorpusRequest(string Json, bool ShouldValidate, Decision Decision, IReadOnlyList<string> Reasons, IReadOnlyList<string> Errors)
{
    public static CorpusRequest Create(JsonElement element) => new(
        element.GetRawText(),
        !element.TryGetProperty("validateRequest", out var validate) || validate.GetBoolean(),
        element.GetProperty("decision").GetString() == "allow" ? Decision.Allow : Decision.Deny,
        Ids(element.GetProperty("reason")),
        Ids(element.GetProperty("errors")));

    private static string[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetString()!).Order(StringComparer.Ordinal)];
}
