namespace Moat.Policy;

/// <summary>A path with <c>*</c> for one segment and <c>**</c> for zero or more; matched segment by segment.</summary>
internal sealed class PathPattern(string pattern)
{
    private readonly string[] segments = pattern.Trim('/').Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>True when no path escapes it.</summary>
    public bool MatchesAll => segments is ["**"];

    /// <param name="path">A canonical path.</param>
    /// <param name="comparison">Ordinal for an allowing rule; a denying one ignores case, since servers may.</param>
    public bool Matches(ReadOnlySpan<char> path, StringComparison comparison)
    {
        path = path[1..];
        return Match(0, path, path.IsEmpty, comparison);
    }

    private bool Match(int at, ReadOnlySpan<char> rest, bool done, StringComparison comparison)
    {
        while (true)
        {
            if (at == segments.Length) return done;
            if (segments[at] == "**")
            {
                if (at + 1 == segments.Length) return true;
                while (true)
                {
                    if (Match(at + 1, rest, done, comparison)) return true;
                    if (done) return false;
                    Next(ref rest, out done);
                }
            }

            if (done) return false;
            var segment = Next(ref rest, out done);
            if (segments[at] != "*" && !segment.Equals(segments[at], comparison)) return false;
            at++;
        }
    }

    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest, out bool done)
    {
        var slash = rest.IndexOf('/');
        done = slash < 0;
        var segment = done ? rest : rest[..slash];
        rest = done ? default : rest[(slash + 1)..];
        return segment;
    }
}
