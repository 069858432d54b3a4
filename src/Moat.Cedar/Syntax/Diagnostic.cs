namespace Moat.Cedar;

/// <summary>How bad a <see cref="Diagnostic"/> is.</summary>
public enum DiagnosticSeverity
{
    /// <summary>Worth a look; the text means what it says.</summary>
    Warning,

    /// <summary>The text is refused.</summary>
    Error,
}

/// <summary>One thing that a reader of Cedar found wrong.</summary>
/// <param name="Severity">Whether the text is refused for it.</param>
/// <param name="Message">What is wrong, in a sentence without a final stop.</param>
public sealed record Diagnostic(DiagnosticSeverity Severity, string Message)
{
    /// <summary>The text in which <see cref="Span"/> lies; null when it came from JSON or was built in code.</summary>
    public SourceText? Source { get; init; }

    /// <summary>The characters at fault.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>What could have stood there, in the order in which a person would try it; empty when that says nothing.</summary>
    public IReadOnlyList<string> Expected { get; init; } = [];

    /// <summary>How to mend it, or null.</summary>
    public string? Help { get; init; }

    /// <summary>The policy it is about, or null.</summary>
    public string? PolicyId { get; init; }

    /// <summary>Where it stands, or null without a <see cref="Source"/>.</summary>
    public SourcePosition? Position => Source?.Position(Span.Start);

    /// <summary><c>name:line:column: error: message; expected …; help</c>, with what is known of it.</summary>
    public override string ToString()
    {
        var place = Source is null ? "" : $"{(Source.Name is null ? "" : Source.Name + ":")}{Position}: ";
        var expected = Expected.Count == 0 ? "" : $"; expected {string.Join(", ", Expected)}";
        var help = Help is null ? "" : $"; {Help}";
        return $"{place}{(Severity == DiagnosticSeverity.Error ? "error" : "warning")}: {Message}{expected}{help}";
    }
}
