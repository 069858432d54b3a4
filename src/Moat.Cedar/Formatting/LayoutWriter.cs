using System.Globalization;
using System.Text;

namespace Moat.Cedar;

/// <summary>Writes a <see cref="Layout"/> into lines of a width, where words allow it.</summary>
internal sealed class LayoutWriter
{
    private readonly int width;
    private readonly StringBuilder text = new();
    private readonly Stack<Part> open = new();
    private readonly Stack<Layout> inside = new();
    private int column;

    private LayoutWriter(int width) => this.width = width;

    public static string Write(Layout layout, int width)
    {
        var writer = new LayoutWriter(width);
        writer.open.Push(new Part(layout, 0, IsFlat: false));
        while (writer.open.TryPop(out var part)) writer.Write(part);
        return writer.text.ToString();
    }

    private void Write(Part part)
    {
        switch (part.Layout)
        {
            case Layout.TextLayout word:
                Append(word.Text);
                break;
            case Layout.BreakLayout { Flat: { } flat } when part.IsFlat:
                Append(flat);
                break;
            case Layout.BreakLayout:
                Break(part.Indent);
                break;
            case Layout.JoinLayout join:
                for (var i = join.Parts.Length - 1; i >= 0; i--) open.Push(part with { Layout = join.Parts[i] });
                break;
            case Layout.IndentLayout indent:
                open.Push(part with { Layout = indent.Inside, Indent = part.Indent + indent.Columns });
                break;
            case Layout.GroupLayout group:
                open.Push(part with { Layout = group.Inside, IsFlat = part.IsFlat || Fits(group.Inside) });
                break;
        }
    }

    private void Append(string word)
    {
        text.Append(word);
        column += Columns(word);
    }

    // The new line is indented as what follows on it, so that a closing bracket stands under what opened it.
    private void Break(int indent)
    {
        if (open.TryPeek(out var next)) indent = next.Indent;
        text.Append('\n').Append(' ', indent);
        column = indent;
    }

    // Whether the group and what follows it up to the next possible line feed fit on the line.
    private bool Fits(Layout group)
    {
        var left = width - column;
        inside.Clear();
        inside.Push(group);
        var isFlat = true;
        using var outside = open.GetEnumerator();
        while (true)
        {
            if (!inside.TryPop(out var layout))
            {
                if (!outside.MoveNext()) return true;
                isFlat = false;
                layout = outside.Current.Layout;
            }

            switch (layout)
            {
                case Layout.TextLayout word:
                    left -= Columns(word.Text);
                    break;
                case Layout.BreakLayout { Flat: { } flat } when isFlat:
                    left -= flat.Length;
                    break;
                case Layout.BreakLayout:
                    return !isFlat;
                case Layout.JoinLayout join:
                    for (var i = join.Parts.Length - 1; i >= 0; i--) inside.Push(join.Parts[i]);
                    break;
                case Layout.IndentLayout indent:
                    inside.Push(indent.Inside);
                    break;
                case Layout.GroupLayout inner:
                    inside.Push(inner.Inside);
                    break;
            }

            if (left < 0) return false;
        }
    }

    // Columns on a screen: marks that combine take none, and characters of East Asia and pictures take two.
    private static int Columns(string word)
    {
        if (Ascii.IsValid(word)) return word.Length;
        var columns = 0;
        foreach (var rune in word.EnumerateRunes())
        {
            var combines = Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format;
            columns += combines ? 0 : IsWide(rune.Value) ? 2 : 1;
        }

        return columns;
    }

    private static bool IsWide(int rune) => rune is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0x303E) or (>= 0x3041 and <= 0xA4CF)
        or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60)
        or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1F64F) or (>= 0x1F900 and <= 0x1F9FF) or (>= 0x20000 and <= 0x3FFFD);

    private readonly record struct Part(Layout Layout, int Indent, bool IsFlat);
}
