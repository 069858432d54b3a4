using System.Collections.Concurrent;

namespace Moat.Policy;

/// <summary>
/// Bounds what names under a wildcard rule can carry out. Each new name below <c>*.example.org</c> is a message to whoever
/// holds that zone, even though the gateway forwards no query: the connection that follows resolves it. So a wildcard
/// has a budget of distinct names a minute, and a label that looks like coded data is refused.
/// </summary>
public sealed class DnsBudget(TimeProvider time, int namesPerMinute = 60)
{
    private readonly ConcurrentDictionary<string, Window> windows = new(StringComparer.Ordinal);

    /// <param name="host">The name asked for.</param>
    /// <param name="wildcardRule">The rule's name, as <see cref="NetworkPolicy.WildcardFor"/> gives it.</param>
    /// <param name="reason">Why not.</param>
    public bool TryResolve(in CanonicalHost host, string wildcardRule, out string reason)
    {
        foreach (var range in host.Value.AsSpan().Split('.'))
        {
            if (!IsSuspiciousLabel(host.Value.AsSpan()[range])) continue;
            reason = "a label of the name looks like coded data";
            return false;
        }

        if (windows.GetOrAdd(wildcardRule, _ => new Window()).TryAdd(host.Value, time.GetUtcNow(), namesPerMinute))
        {
            reason = "";
            return true;
        }

        reason = $"more than {namesPerMinute} new names a minute under one wildcard rule";
        return false;
    }

    /// <summary>True for a long label whose characters are spread as those of coded data are: 24 and more characters at over 3.6 bits each.</summary>
    public static bool IsSuspiciousLabel(ReadOnlySpan<char> label)
    {
        if (label.Length > 40) return true;
        if (label.Length < 24) return false;
        Span<int> counts = stackalloc int[128];
        foreach (var c in label) counts[c & 0x7f]++;
        var bits = 0.0;
        foreach (var count in counts)
        {
            if (count == 0) continue;
            var share = (double)count / label.Length;
            bits -= share * Math.Log2(share);
        }

        return bits > 3.6 && label.ContainsAnyInRange('0', '9');
    }

    private sealed class Window
    {
        private readonly Lock gate = new();
        private readonly HashSet<string> known = new(StringComparer.Ordinal);
        private DateTimeOffset start;
        private int used;

        public bool TryAdd(string name, DateTimeOffset now, int limit)
        {
            lock (gate)
            {
                if (known.Contains(name)) return true;
                if (now - start >= TimeSpan.FromMinutes(1)) (start, used) = (now, 0);
                if (used >= limit || known.Count >= 100_000) return false;
                used++;
                known.Add(name);
                return true;
            }
        }
    }
}
