using System.Globalization;
using Moat.Gateway;

namespace Moat.Runs;

/// <summary>
/// Tells the person of denials: each kind of denial once, and never more than a few lines a second, whatever a hostile
/// agent does. The audit log has them all.
/// </summary>
internal sealed class DenialLines(Action<string> write, TimeProvider time)
{
    /// <summary>Lines in any one second.</summary>
    public const int PerSecond = 5;

    /// <summary>Different denials remembered; beyond that nothing new is shown.</summary>
    public const int Remembered = 1000;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private long _second = long.MinValue;
    private int _inSecond;
    private long _unshown;

    public void Tell(Denial denial)
    {
        var key = $"{denial.Kind} {denial.Host}:{denial.Port} {denial.Method} {denial.Rule}";
        string line;
        lock (_gate)
        {
            if (_seen.Count >= Remembered || !_seen.Add(key))
            {
                _unshown++;
                return;
            }

            var second = time.GetTimestamp() / time.TimestampFrequency;
            if (second != _second) (_second, _inSecond) = (second, 0);
            if (++_inSecond > PerSecond)
            {
                _seen.Remove(key);
                _unshown++;
                return;
            }

            line = Line(denial);
        }

        write(line);
    }

    /// <summary>Denials that were not shown; said once at the end.</summary>
    public long Unshown
    {
        get
        {
            lock (_gate) return _unshown;
        }
    }

    internal static string Line(Denial denial)
    {
        var scheme = denial.Port == 80 ? "http" : "https";
        var port = denial.Port is 0 or 80 or 443 ? "" : string.Create(CultureInfo.InvariantCulture, $":{denial.Port}");
        var what = denial.Method switch
        {
            "DNS" => $"the name {denial.Host}",
            null => $"a connection to {denial.Host}{(denial.Port == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $":{denial.Port}"))}",
            _ => $"{denial.Method} {scheme}://{denial.Host}{port}{denial.Path}",
        };
        var how = denial.HowToAllow.Length > 0 ? " - " + denial.HowToAllow : "";
        return "moat: denied " + Printable.Text($"{what} ({denial.Rule}: {denial.Reason}){how}", 500);
    }
}
