namespace Moat.Gateway.Mcp;

/// <summary>Memory that a run's MCP messages take while they are judged, all together: many large ones at once are refused.</summary>
internal sealed class HeldBytes(long limit)
{
    private long _held;

    public bool TryTake(long count)
    {
        if (Interlocked.Add(ref _held, count) <= limit)
            return true;
        Give(count);
        return false;
    }

    public void Give(long count) => Interlocked.Add(ref _held, -count);
}
