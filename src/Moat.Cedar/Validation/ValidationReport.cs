namespace Moat.Cedar;

/// <summary>Gathers what is wrong with one policy; what is found for several kinds of requests is said once.</summary>
internal sealed class ValidationReport(Policy policy)
{
    private readonly HashSet<(SourceSpan, string)> said = [];
    private readonly List<Diagnostic> diagnostics = [];

    /// <summary>In the order of the text.</summary>
    public IEnumerable<Diagnostic> Diagnostics => diagnostics.OrderBy(d => d.Span.Start).ThenBy(d => d.Span.End);

    public void Error(SourceSpan span, string message, string? help) => Add(DiagnosticSeverity.Error, span, message, help);

    public void Warn(SourceSpan span, string message, string? help) => Add(DiagnosticSeverity.Warning, span, message, help);

    public void Unexpected(SourceSpan span, IReadOnlyList<CedarType> expected, CedarType actual, string? help) =>
        Error(span, $"{string.Join(" or ", expected.Select(Named))} belongs here, not {Named(actual)}", help);

    public void Incompatible(SourceSpan span, string what, IReadOnlyList<CedarType> types, string? help)
    {
        var named = types.Distinct().Take(5).Select(t => t.ToString()).ToList();
        Error(span, $"{what} are of types that have nothing in common: {string.Join(", ", named)}", help ?? "compare and mix values of one type only");
    }

    public void NoAttribute(CoreNode node, CedarType target, RecordType? attributes, bool mayHave)
    {
        var near = attributes is null ? null : NearNames.Nearest(node.Name, attributes.Attributes.Keys);
        var help = near is not null ? $"did you mean `{near}`?" : mayHave ? "ask for the type of the entity with `is` first" : null;
        Error(node.Span, $"{target} has no attribute `{node.Name}`", help);
    }

    public void OptionalAttribute(CoreNode node, CedarType target) =>
        Error(node.Span, $"the attribute `{node.Name}` of {target} is optional and may be missing here", $"ask with `has {node.Name}` first");

    private static string Named(CedarType type) => type switch
    {
        SetType { Element: null } => "a set",
        RecordType { IsOpen: true, Attributes.Count: 0 } => "a record",
        EntityReferenceType { IsAny: true } => "an entity",
        _ => type.ToString(),
    };

    private void Add(DiagnosticSeverity severity, SourceSpan span, string message, string? help)
    {
        if (!said.Add((span, message))) return;
        diagnostics.Add(new Diagnostic(severity, message) { Source = policy.Source, Span = span, Help = help, PolicyId = policy.Id });
    }
}
