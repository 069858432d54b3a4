namespace Moat.Cedar;

/// <summary>Finds the name that somebody may have meant.</summary>
internal static class NearNames
{
    /// <summary>The nearest of the names by edits of single characters; null when none is near.</summary>
    public static string? Nearest(string name, IEnumerable<string> names)
    {
        // Long names are not compared: the work grows with the square of their length.
        if (name.Length > 100) return null;
        string? best = null;
        var least = Math.Max(1, name.Length / 3) + 1;
        foreach (var other in names)
        {
            if (Math.Abs(other.Length - name.Length) >= least) continue;
            var distance = Distance(name, other);
            if (distance >= least) continue;
            least = distance;
            best = other;
        }

        return best;
    }

    // Characters added, removed, changed, or exchanged with their neighbour; the case of letters is no change.
    private static int Distance(string left, string right)
    {
        var earlier = new int[right.Length + 1];
        var above = new int[right.Length + 1];
        var row = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++) above[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var change = above[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(above[j], row[j - 1]) + 1);
                var exchanged = i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]);
                if (exchanged) row[j] = Math.Min(row[j], earlier[j - 2] + 1);
            }

            (earlier, above, row) = (above, row, earlier);
        }

        return above[right.Length];
    }

    private static bool Same(char a, char b) => char.ToUpperInvariant(a) == char.ToUpperInvariant(b);
}
