using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// Keeps the grants of a run true to the vault: a stored rotation is in use, and a removal denies, within a second.
/// It looks twice a second (one stat a grant): a notification could be lost, and a lost one would keep a revoked
/// credential alive.
/// </summary>
public sealed class GrantWatch : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(500);
    private readonly Vault _vault;
    private readonly IReadOnlyList<UnlockedGrant> _grants;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;

    private GrantWatch(Vault vault, IReadOnlyList<UnlockedGrant> grants, TimeProvider time)
    {
        (_vault, _grants, _time) = (vault, grants, time);
        _timer = time.CreateTimer(_ => CheckNow(), null, s_period, s_period);
    }

    /// <summary>Starts to watch. The vault must outlive the watch.</summary>
    /// <param name="vault">The vault the grants were unlocked from.</param>
    /// <param name="grants">The grants of the run.</param>
    /// <param name="time">Null: the system's clock.</param>
    public static GrantWatch Start(Vault vault, IReadOnlyList<UnlockedGrant> grants, TimeProvider? time = null) => new(vault, grants, time ?? TimeProvider.System);

    /// <summary>Looks at once. Any failure to read a grant revokes it.</summary>
    public void CheckNow()
    {
        lock (_gate)
            foreach (var grant in _grants) Check(grant);
    }

    public void Dispose() => _timer.Dispose();

    private void Check(UnlockedGrant grant)
    {
        try
        {
            var stored = _vault.Version(grant.Name);
            if (stored is null)
            {
                grant.Revoke("it was revoked");
                return;
            }
            if (stored != grant.Version || grant.IsRevoked) Reload(grant);
            if (!grant.IsRevoked && grant.ExpiresAt <= _time.GetUtcNow()) grant.Revoke("it expired");
        }
        catch (Exception ex)
        {
            // Whatever made the vault unreadable, the run may not go on with a credential that could be revoked.
            grant.Revoke(ex is MoatException ? ex.Message : $"the vault is not readable ({ex.GetType().Name})");
        }
    }

    private void Reload(UnlockedGrant grant)
    {
        if (_vault.Read(grant.Name, out var version) is not { } credential)
        {
            grant.Revoke("it was revoked");
        }
        else if (credential.Revoked is { } reason)
        {
            credential.Dispose();
            grant.Revoke(reason);
        }
        else if (credential.ExpiresAt <= _time.GetUtcNow())
        {
            credential.Dispose();
            grant.Revoke("it expired");
        }
        else
        {
            grant.Rotate(credential, version);
        }
    }
}
