namespace Moat.Cedar;

/// <summary>A text with its name and the starts of its lines, so that an index becomes a line and a column.</summary>
public sealed class SourceText
{
    private readonly int[] lineStarts;

    /// <param name="text">The whole text.</param>
    /// <param name="name">What messages call it: most often a path. Null for a text without one.</param>
    public SourceText(string text, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
        Name = name;
        lineStarts = StartsOfLines(text);
    }

    /// <summary>The whole text.</summary>
    public string Text { get; }

    /// <summary>What messages call the text, or null.</summary>
    public string? Name { get; }

    /// <summary>The characters of a span.</summary>
    public ReadOnlySpan<char> this[SourceSpan span] => Text.AsSpan(span.Start, span.Length);

    /// <summary>Where an index stands; an index past the end is taken as the end.</summary>
    public SourcePosition Position(int index)
    {
        index = Math.Clamp(index, 0, Text.Length);
        var line = Array.BinarySearch(lineStarts, index);
        if (line < 0) line = ~line - 1;
        return new SourcePosition(line + 1, index - lineStarts[line] + 1);
    }

    // A line ends at LF, at CR, or at the pair of them.
    private static int[] StartsOfLines(string text)
    {
        var starts = new List<int> { 0 };
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.Length || text[i + 1] != '\n'))) starts.Add(i + 1);
        }

        return [.. starts];
    }
}
