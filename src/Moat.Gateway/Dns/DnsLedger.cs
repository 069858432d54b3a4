namespace Moat.Gateway.Dns;

/// <summary>
/// Turns queries into records so that a flood cannot fill the disk: the first query of a name, type and outcome is recorded
/// at once, its repeats are counted, and after <see cref="MaxEntries"/> different ones the rest share one entry.
/// </summary>
internal sealed class DnsLedger(Action<DnsEvent> record)
{
    internal const int MaxEntries = 4096;

    private const string Others = "(other names)";

    private readonly Dictionary<(string Name, string Type, string Outcome), (DnsVerdict Verdict, long Repeats)> _seen = [];
    private readonly Lock _gate = new();

    internal void Add(string name, string type, string outcome, in DnsVerdict verdict)
    {
        lock (_gate)
        {
            var key = (name, type, outcome);
            if (!_seen.ContainsKey(key) && _seen.Count >= MaxEntries) key = (Others, "", outcome);
            if (_seen.TryGetValue(key, out var entry))
            {
                _seen[key] = entry with { Repeats = entry.Repeats + 1 };
                return;
            }
            // Recorded before it counts as seen: a record that failed is tried again with the next query.
            record(new DnsEvent(key.Item1, key.Item2, outcome, verdict, 1));
            _seen.Add(key, (verdict, 0));
        }
    }

    /// <summary>Records the repeats counted since the last call.</summary>
    internal void WriteRepeats()
    {
        lock (_gate)
        {
            foreach (var (key, entry) in _seen.ToArray())
            {
                if (entry.Repeats == 0) continue;
                record(new DnsEvent(key.Name, key.Type, key.Outcome, entry.Verdict, entry.Repeats));
                _seen[key] = entry with { Repeats = 0 };
            }
        }
    }
}
