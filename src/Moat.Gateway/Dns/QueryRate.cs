namespace Moat.Gateway.Dns;

/// <summary>A token bucket: <paramref name="perSecond"/> queries a second after a burst of twice as many. Thread-safe.</summary>
internal sealed class QueryRate(int perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = 2.0 * perSecond;
    private long _last = time.GetTimestamp();

    internal bool TryTake()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(2.0 * perSecond, _tokens + time.GetElapsedTime(_last, now).TotalSeconds * perSecond);
            _last = now;
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }
}
