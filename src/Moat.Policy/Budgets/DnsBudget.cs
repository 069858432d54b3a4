using System.Collections.Concurrent;

namespace Moat.Policy;

/// <summary>
/// Bounds what names under a wildcard rule can carry out. Each new name below <c>*.example.org</c> is a message to whoever
/// holds that zone, even though the gateway forwards no query: the connection that follows resolves it. So a wildcard
/// has a budget of new names in any minute, and a name that looks like coded data is refused. Thread-safe; measured on
/// the monotonic clock.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="namesPerMinute">New names under one wildcard in any 60 seconds, from 1.</param>
public sealed class DnsBudget(TimeProvider time, int namesPerMinute = 60)
{
    /// <summary>Characters that a name may have in front of the wildcard's own suffix.</summary>
    private const int MaxUnderWildcard = 100;

    /// <summary>Names remembered for each wildcard; a run that asks for more is not looking hosts up.</summary>
    private const int MaxKnown = 100_000;

    private readonly ConcurrentDictionary<string, Window> windows = new(StringComparer.Ordinal);

    /// <summary>May this name be answered? A name that once was costs nothing again.</summary>
    /// <param name="host">The name asked for.</param>
    /// <param name="wildcardRule">The rule's name, as <see cref="NetworkPolicy.WildcardFor"/> gives it.</param>
    /// <param name="reason">Why not; empty when it may.</param>
    public bool TryResolve(in CanonicalHost host, string wildcardRule, out string reason)
    {
        reason = "";
        var own = host.Value.AsSpan()[..^SuffixLength(host.Value, wildcardRule)];
        foreach (var range in own.Split('.'))
        {
            if (IsSuspiciousLabel(own[range])) reason = "a label of the name looks like coded data";
        }

        if (own.Length > MaxUnderWildcard) reason = $"the name has more than {MaxUnderWildcard} characters under the wildcard";
        if (reason.Length > 0) return false;
        if (windows.GetOrAdd(wildcardRule, static (_, limit) => new Window(limit), namesPerMinute).TryAdd(host.Value, time)) return true;
        reason = $"more than {namesPerMinute} new names a minute under one wildcard rule";
        return false;
    }

    /// <summary>
    /// True for a label that is unlikely to be a name: over 40 characters; or 24 and more of them with digits, that are
    /// all hexadecimal or spread as those of coded data are (over 3.6 bits each).
    /// </summary>
    public static bool IsSuspiciousLabel(ReadOnlySpan<char> label)
    {
        if (label.Length > 40) return true;
        if (label.Length < 24 || !label.ContainsAnyInRange('0', '9')) return false;
        Span<int> counts = stackalloc int[128];
        var hexadecimal = true;
        foreach (var c in label)
        {
            counts[c & 0x7f]++;
            hexadecimal &= char.IsAsciiHexDigit(c);
        }

        var bits = 0.0;
        foreach (var count in counts)
        {
            if (count == 0) continue;
            var share = (double)count / label.Length;
            bits -= share * Math.Log2(share);
        }

        return hexadecimal || bits > 3.6;
    }

    /// <summary>Length of what the rule itself fixes of the name: the person wrote that, so it carries nothing out.</summary>
    private static int SuffixLength(string name, string rule)
    {
        var end = rule.AsSpan().IndexOfAny(' ', ':');
        var suffix = (end < 0 ? rule : rule.AsSpan(0, end)).TrimStart("*.");
        return suffix.Length < name.Length && name.AsSpan().EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && name[^(suffix.Length + 1)] == '.' ? suffix.Length + 1 : 0;
    }

    private sealed class Window(int limit)
    {
        private readonly Lock gate = new();
        private readonly HashSet<string> known = new(StringComparer.Ordinal);

        /// <summary>When each of the last names was new, as a ring.</summary>
        private readonly long[] times = new long[limit];

        public bool TryAdd(string name, TimeProvider time)
        {
            lock (gate)
            {
                if (known.Contains(name)) return true;
                var now = time.GetTimestamp();
                ref var oldest = ref times[known.Count % limit];
                if (known.Count >= MaxKnown || (known.Count >= limit && time.GetElapsedTime(oldest, now) < TimeSpan.FromMinutes(1))) return false;
                oldest = now;
                known.Add(name);
                return true;
            }
        }
    }
}
