namespace Moat.Gateway.WebSockets;

/// <summary>
/// How many frames that carry nothing (pings, pongs, empty fragments) a side may send: each costs the other side an answer
/// or a wake-up, so a flood of them is an attack and no conversation.
/// </summary>
internal sealed class ControlBudget(TimeProvider time)
{
    /// <summary>Frames at once.</summary>
    public const int Burst = 256;

    /// <summary>Frames that come back to the budget in a second.</summary>
    public const int PerSecond = 64;

    private double _left = Burst;
    private long _at = time.GetTimestamp();

    public bool TryTake()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * PerSecond));
        _at = now;
        if (_left < 1)
            return false;
        _left--;
        return true;
    }
}
