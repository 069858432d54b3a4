using Moat.Credentials;

namespace Moat.Gateway.Pipeline;

/// <summary>When a relayed session is over: with the run, with a policy that denies it, or with its grant's revocation, whichever comes first.</summary>
internal sealed class SessionEnd : IDisposable
{
    private readonly UnlockedGrant _grant;
    private readonly CancellationTokenSource _source;

    /// <summary>A grant that is revoked already ends it at once.</summary>
    public SessionEnd(UnlockedGrant grant, CancellationToken stop)
    {
        (_grant, _source) = (grant, CancellationTokenSource.CreateLinkedTokenSource(stop));
        grant.Changed += OnChanged;
        // Revoked between the decision and the line above.
        OnChanged(grant);
    }

    public CancellationToken Token => _source.Token;

    public void Cancel()
    {
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The session ended at the same moment.
        }
    }

    public void Dispose()
    {
        _grant.Changed -= OnChanged;
        _source.Dispose();
    }

    private void OnChanged(UnlockedGrant changed)
    {
        if (changed.IsRevoked) Cancel();
    }
}
