using System.Text;

namespace Moat.Cedar;

/// <summary>Writes a <see cref="Layout"/> into lines of a width, where words allow it.</summary>
internal sealed class LayoutWriter
{
    private readonly int width;
    private readonly StringBuilder text = new();
    private readonly Stack<Part> open = new();
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

    // The new line is indented as what follows on it, so that a closing bracket stands under what opened it. Parts of nothing
    // are passed over, since they do not stand anywhere.
    private void Break(int indent)
    {
        while (open.TryPeek(out var next))
        {
            if (next.Layout is Layout.JoinLayout join)
            {
                open.Pop();
                for (var i = join.Parts.Length - 1; i >= 0; i--) open.Push(next with { Layout = join.Parts[i] });
                continue;
            }

            indent = next.Indent;
            break;
        }

        text.Append('\n').Append(' ', indent);
        column = indent;
    }

    // Whether the group and what follows it up to the next possible line feed fit on the line.
    private bool Fits(Layout group)
    {
        var left = width - column;
        var inside = new Stack<Layout>([group]);
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

    // Columns on a screen, near enough: combining marks and what is drawn double are rare in policies.
    private static int Columns(string word) => Ascii.IsValid(word) ? word.Length : word.EnumerateRunes().Count();

    private readonly record struct Part(Layout Layout, int Indent, bool IsFlat);
}
