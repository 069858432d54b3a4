using System.Collections.Immutable;

namespace Moat.Policy;

/// <summary>A path with <c>*</c> for one segment and <c>**</c> for zero or more; matched segment by segment, in time linear in each.</summary>
internal sealed class PathPattern
{
    private readonly ImmutableArray<Segment> segments;

    private PathPattern(ImmutableArray<Segment> segments)
    {
        this.segments = segments;
        MatchesAll = !segments.IsEmpty && segments.All(s => s.Kind == Kind.Any);
    }

    private enum Kind
    {
        Literal,
        One,
        Any,
    }

    /// <summary>True when no path escapes it.</summary>
    public bool MatchesAll { get; }

    /// <summary>
    /// Reads a pattern. What would never match is refused, since a denying rule would then be a hole: a <c>*</c> inside
    /// a segment, a query, a path that has no canonical form. Escapes are decoded, as they are in requests.
    /// </summary>
    public static bool TryParse(string text, out PathPattern pattern, out string error)
    {
        pattern = new PathPattern([]);
        error = "";
        if (!text.StartsWith('/')) error = "the path does not begin with a slash";
        else if (text.Contains('?', StringComparison.Ordinal)) error = "a query takes no part in the match";
        if (error.Length > 0) return false;
        var parts = text[1..].Split('/');
        if (parts[^1].Length == 0) parts = parts[..^1]; // a trailing slash, or the root
        var segments = ImmutableArray.CreateBuilder<Segment>(parts.Length);
        foreach (var part in parts)
        {
            if (part is "*" or "**") segments.Add(new Segment(part == "*" ? Kind.One : Kind.Any, "", ""));
            else if (part.Contains('*', StringComparison.Ordinal)) error = "* stands for a whole segment and ** for any number of them";
            else if (part.Length == 0) error = "the path holds an empty segment";
            else if (RequestPath.TryCanonicalize("/" + part, new char[part.Length + 1], out var literal, out error))
                segments.Add(new Segment(Kind.Literal, literal[1..].ToString(), Loosen(literal[1..]).ToString()));
            if (error.Length > 0) return false;
        }

        pattern = new PathPattern(segments.DrainToImmutable());
        return true;
    }

    /// <param name="path">A canonical path.</param>
    /// <param name="loose">True for a denying rule: case and dots or spaces at a segment's end do not tell segments apart, since they do not on every server.</param>
    public bool Matches(ReadOnlySpan<char> path, bool loose)
    {
        // As in file globbing: only the last ** needs to be widened, so nothing is tried twice.
        int at = 0, position = path.Length == 1 ? -1 : 1, lastAny = -1, widened = 0;
        while (true)
        {
            if (at < segments.Length && segments[at].Kind == Kind.Any)
            {
                lastAny = at++;
                widened = position;
                if (at == segments.Length) return true;
                continue;
            }

            if (position < 0) return at == segments.Length;
            if (at < segments.Length && segments[at].Matches(Slice(path, position), loose))
            {
                at++;
                position = Next(path, position);
                continue;
            }

            if (lastAny < 0) return false;
            position = widened = Next(path, widened);
            at = lastAny + 1;
        }
    }

    private static ReadOnlySpan<char> Loosen(ReadOnlySpan<char> segment) => segment[..(segment.LastIndexOfAnyExcept('.', ' ') + 1)];

    private static ReadOnlySpan<char> Slice(ReadOnlySpan<char> path, int start)
    {
        var rest = path[start..];
        var slash = rest.IndexOf('/');
        return slash < 0 ? rest : rest[..slash];
    }

    /// <summary>Where the next segment begins; -1 behind the last.</summary>
    private static int Next(ReadOnlySpan<char> path, int start)
    {
        var slash = path[start..].IndexOf('/');
        return slash < 0 ? -1 : start + slash + 1;
    }

    private readonly record struct Segment(Kind Kind, string Literal, string Loose)
    {
        public bool Matches(ReadOnlySpan<char> segment, bool loose) =>
            Kind == Kind.One || (loose ? Loosen(segment).Equals(Loose, StringComparison.OrdinalIgnoreCase) : segment.SequenceEqual(Literal));
    }
}
