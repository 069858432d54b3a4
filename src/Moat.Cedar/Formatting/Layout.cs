using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>
/// A text that may be broken into lines in several ways. A group is written on one line when it fits into what is left of it,
/// and else with a line feed at each of its own breaks; groups within it choose for themselves.
/// </summary>
internal abstract record Layout
{
    private Layout()
    {
    }

    /// <summary>Nothing.</summary>
    public static Layout None { get; } = new JoinLayout([]);

    /// <summary>A space.</summary>
    public static Layout Space { get; } = new TextLayout(" ");

    /// <summary>A space, or a line feed in a broken group.</summary>
    public static Layout Line { get; } = new BreakLayout(" ");

    /// <summary>Nothing, or a line feed in a broken group.</summary>
    public static Layout SoftLine { get; } = new BreakLayout("");

    /// <summary>A line feed, whatever surrounds it; a group that holds one does not fit.</summary>
    public static Layout HardLine { get; } = new BreakLayout(null);

    public static Layout Word(string text) => new TextLayout(text);

    /// <summary>The parts one after the other.</summary>
    public static Layout Join(params IEnumerable<Layout> parts)
    {
        // Nothing is left out here, so that whoever looks for what comes next does not find it.
        ImmutableArray<Layout> some = [.. parts.Where(p => !ReferenceEquals(p, None))];
        return some.Length switch { 0 => None, 1 => some[0], _ => new JoinLayout(some) };
    }

    /// <summary>The parts, on one line when they fit.</summary>
    public static Layout Group(params IEnumerable<Layout> parts) => Join(parts) is var inside && ReferenceEquals(inside, None) ? None : new GroupLayout(inside);

    /// <summary>The parts, with the lines that begin in them indented by more columns.</summary>
    public static Layout Indent(int columns, params IEnumerable<Layout> parts) => Join(parts) is var inside && ReferenceEquals(inside, None) ? None : new IndentLayout(columns, inside);

    public sealed record TextLayout(string Text) : Layout;

    /// <param name="Flat">What stands there on one line; null when it breaks in any case.</param>
    public sealed record BreakLayout(string? Flat) : Layout;

    public sealed record JoinLayout(ImmutableArray<Layout> Parts) : Layout;

    public sealed record GroupLayout(Layout Inside) : Layout;

    public sealed record IndentLayout(int Columns, Layout Inside) : Layout;
}
