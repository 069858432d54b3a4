namespace Moat.Cedar;

/// <summary>A stretch of a source text.</summary>
/// <param name="Start">The first character's index, in UTF-16 units from 0.</param>
/// <param name="End">The index after the last character; equal to <paramref name="Start"/> for an empty stretch.</param>
public readonly record struct SourceSpan(int Start, int End)
{
    /// <summary>The number of UTF-16 units.</summary>
    public int Length => End - Start;

    /// <summary>The least span that covers both.</summary>
    public SourceSpan To(SourceSpan last) => new(Start, Math.Max(End, last.End));
}
