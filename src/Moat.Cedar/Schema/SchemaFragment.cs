using System.Collections.Immutable;

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
    /// <param name="diagnostics">Takes every error and warning.</param>
    /// <returns>The schema; null after an error.</returns>
    public static SchemaFragment? Parse(SourceText source, ICollection<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return SchemaParser.Parse(source, diagnostics);
    }

    /// <summary>Reads the JSON form.</summary>
    /// <param name="json">The text.</param>
    /// <param name="diagnostics">Takes every error; their messages say at what path.</param>
    /// <returns>The schema; null after an error.</returns>
    public static SchemaFragment? ParseJson(string json, ICollection<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return SchemaJsonReader.Read(json, diagnostics);
    }

    /// <summary>Writes the JSON form, names in ordinal order.</summary>
    public string ToJson() => SchemaJsonWriter.Write(this);

    /// <summary>Writes the Cedar form, names in ordinal order.</summary>
    /// <param name="diagnostics">Takes an error for each declaration that the Cedar form cannot say.</param>
    /// <returns>The text; null after an error.</returns>
    public string? ToCedar(ICollection<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        return SchemaCedarWriter.Write(this, diagnostics);
    }
}
