using System.Collections.Immutable;
using System.Text;

namespace Moat.Cedar;

/// <summary>The right side of <c>like</c>: texts with wildcards between them, each of which stands for any characters or none.</summary>
public sealed class LikePattern
{
    private LikePattern(ImmutableArray<string?> elements) => Elements = elements;

    /// <summary>The pattern from its start to its end: a text, or null for a wildcard. Two texts are never neighbours; two wildcards may be.</summary>
    public ImmutableArray<string?> Elements { get; }

    /// <summary>A pattern of the elements, texts that stand beside each other joined.</summary>
    public static LikePattern Create(IEnumerable<string?> elements)
    {
        ArgumentNullException.ThrowIfNull(elements);
        var builder = new Builder();
        foreach (var element in elements)
        {
            if (element is null) builder.AddWildcard();
            else builder.AddText(element);
        }

        return builder.Build();
    }

    /// <summary>Whether the whole text matches. Linear in the text for each wildcard; nothing is allocated.</summary>
    public bool Matches(ReadOnlySpan<char> text)
    {
        // The first text is anchored at the start and the last at the end; each between is taken where it is found first.
        var elements = Elements.AsSpan();
        if (elements.IsEmpty) return text.IsEmpty;
        if (elements[0] is { } prefix)
        {
            if (!text.StartsWith(prefix)) return false;
            text = text[prefix.Length..];
            elements = elements[1..];
            if (elements.IsEmpty) return text.IsEmpty;
        }

        if (elements[^1] is { } suffix)
        {
            if (!text.EndsWith(suffix)) return false;
            text = text[..^suffix.Length];
            elements = elements[..^1];
        }

        foreach (var element in elements)
        {
            if (element is null) continue;
            var found = text.IndexOf(element);
            if (found < 0) return false;
            text = text[(found + element.Length)..];
        }

        return true;
    }

    /// <summary>The pattern as Cedar writes it, quotes included.</summary>
    public override string ToString()
    {
        var written = new StringBuilder("\"");
        foreach (var element in Elements)
        {
            if (element is null)
            {
                written.Append('*');
                continue;
            }

            var parts = element.Split('*');
            for (var i = 0; i < parts.Length; i++)
            {
                if (i > 0) written.Append("\\*");
                CedarString.AppendEscaped(written, parts[i]);
            }
        }

        return written.Append('"').ToString();
    }

    internal sealed class Builder
    {
        private readonly ImmutableArray<string?>.Builder elements = ImmutableArray.CreateBuilder<string?>();
        private readonly StringBuilder text = new();

        public void AddText(string part) => text.Append(part);

        public void AddWildcard()
        {
            Flush();
            elements.Add(null);
        }

        public LikePattern Build()
        {
            Flush();
            return new LikePattern(elements.ToImmutable());
        }

        private void Flush()
        {
            if (text.Length == 0) return;
            elements.Add(text.ToString());
            text.Clear();
        }
    }
}
