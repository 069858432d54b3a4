using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Moat.Cedar;

/// <summary>
/// A schema as written, in either form. <see cref="CedarSchema"/> is made of one or more of them, since one may use names that
/// another declares.
/// </summary>
public sealed record SchemaFragment
{
    /// <summary>The namespaces, each name once.</summary>
    public ImmutableArray<SchemaNamespace> Namespaces { get; init; } = [];

    /// <summary>The text in which the spans lie; null when it came from JSON or was built in code.</summary>
    public SourceText? Source { get; init; }

    /// <summary>Reads the Cedar form.</summary>
    /// <param name="source">The text.</param>
    /// <param name="fragment">The schema; null when the text is not in order.</param>
    /// <param name="diagnostics">Every error and warning, in the order of the text.</param>
    public static bool TryParse(SourceText source, [NotNullWhen(true)] out SchemaFragment? fragment, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(source);
        var found = new List<Diagnostic>();
        fragment = SchemaParser.Parse(source, found);
        diagnostics = [.. found.OrderBy(d => d.Span.Start)];
        return fragment is not null;
    }

    /// <summary>Reads the JSON form.</summary>
    /// <param name="json">The text.</param>
    /// <param name="fragment">The schema; null when the text is not in order.</param>
    /// <param name="diagnostics">Every error; their messages say at what path.</param>
    public static bool TryParseJson(string json, [NotNullWhen(true)] out SchemaFragment? fragment, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(json);
        var found = new List<Diagnostic>();
        fragment = SchemaJsonReader.Read(json, found);
        diagnostics = found;
        return fragment is not null;
    }

    /// <summary>Writes the JSON form, names in ordinal order.</summary>
    public string ToJson() => SchemaJsonWriter.Write(this);

    /// <summary>Writes the Cedar form, names in ordinal order.</summary>
    /// <exception cref="CedarException">The JSON form said what the Cedar form cannot say; it holds an error for each such declaration.</exception>
    public string ToCedar() => SchemaCedarWriter.Write(this);
}
