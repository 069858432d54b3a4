namespace Moat.Cedar;

/// <summary>A text of Cedar, or its JSON form, was refused.</summary>
public sealed class CedarException : FormatException
{
    /// <param name="diagnostics">What was wrong; at least one error.</param>
    public CedarException(IReadOnlyList<Diagnostic> diagnostics)
        : base(string.Join('\n', diagnostics)) => Diagnostics = diagnostics;

    /// <summary>For one thing without a place in a text.</summary>
    public CedarException(string message)
        : this([new Diagnostic(DiagnosticSeverity.Error, message)])
    {
    }

    /// <summary>All that was wrong, in the order of the text.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics { get; }
}
