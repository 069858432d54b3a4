using System.Buffers;
using System.Globalization;

namespace Moat.Cedar;

/// <summary>
/// Warns of characters that turn the direction of writing, in comments too: with them a policy can look like one that somebody
/// would approve. An escape in a string shows what it is and is fine.
/// </summary>
internal static class ReadingOrder
{
    private static readonly SearchValues<char> Turning = SearchValues.Create("\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069");

    public static void Check(Policy policy, ValidationReport report)
    {
        if (policy.Source is not { } source) return;
        for (var at = policy.Span.Start; at < policy.Span.End; at++)
        {
            var next = source[new SourceSpan(at, policy.Span.End)].IndexOfAny(Turning);
            if (next < 0) return;
            at += next;
            var code = ((int)source.Text[at]).ToString("X4", CultureInfo.InvariantCulture);
            report.Warn(new SourceSpan(at, at + 1), $"the character U+{code} turns the direction of writing, so that the policy looks like another", $"leave it out, or write \\u{{{code}}} in a string");
        }
    }
}
