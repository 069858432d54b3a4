using System.Text.Json.Serialization;
using Moat.Cedar;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>How serious a <see cref="PolicyNote"/> is.</summary>
[JsonConverter(typeof(KebabCaseEnum<PolicyNoteLevel>))]
public enum PolicyNoteLevel
{
    /// <summary>What a statement was read as.</summary>
    Note,

    /// <summary>Worth a look: the statement may not do what its author thinks.</summary>
    Warning,

    /// <summary>The policy does not start.</summary>
    Error,
}

/// <summary>One thing to say about a policy, where it stands.</summary>
/// <param name="Code">Short and stable: <c>syntax</c>, <c>invalid</c>, <c>spelling</c>, <c>shadowed</c>, <c>unreachable</c>, <c>always-denied</c>, <c>unenforceable</c>.</param>
/// <param name="PolicyId"><c>policy0</c> for the first statement; empty where none is meant.</param>
/// <param name="Line">From 1; 0 where the whole text is meant.</param>
/// <param name="Downgrade">For <c>unenforceable</c>: the name that <c>--downgrade</c> accepts; otherwise empty.</param>
public sealed record PolicyNote(PolicyNoteLevel Level, string Code, string PolicyId, int Line, int Column, string Message, string Help = "", string Downgrade = "")
{
    internal static PolicyNote At(PolicyNoteLevel level, string code, Cedar.Policy policy, SourceSpan span, string message, string help = "", string downgrade = "")
    {
        var place = policy.Source?.Position(span.Length > 0 ? span.Start : policy.Span.Start) ?? default;
        return new PolicyNote(level, code, policy.Id, place.Line, place.Column, message, help, downgrade);
    }

    internal static PolicyNote Of(Diagnostic diagnostic, string code)
    {
        var place = diagnostic.Position ?? default;
        var expected = diagnostic.Expected.Count == 0 ? "" : "; expected " + string.Join(", ", diagnostic.Expected);
        return new PolicyNote(
            diagnostic.Severity == DiagnosticSeverity.Error ? PolicyNoteLevel.Error : PolicyNoteLevel.Warning,
            code, diagnostic.PolicyId ?? "", place.Line, place.Column, diagnostic.Message + expected, diagnostic.Help ?? "");
    }
}
