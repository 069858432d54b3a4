using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// Keeps the refreshable grants of a run alive. Every run has a broker, and all brokers of a credential act as one: they
/// take turns by a lock, and whoever comes second finds the credential renewed. <see cref="GrantWatch"/> then puts what
/// was stored to use in each run.
/// </summary>
public sealed class RefreshBroker : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1), s_firstPause = TimeSpan.FromSeconds(5), s_longestPause = TimeSpan.FromMinutes(1);
    private readonly Refresher _refresher;
    private readonly TimeProvider _time;
    private readonly Dictionary<UnlockedGrant, Turn> _turns;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly ITimer _timer;

    private RefreshBroker(Vault vault, IReadOnlyList<UnlockedGrant> grants, HttpMessageHandler? handler, TimeProvider time)
    {
        (_refresher, _time) = (new Refresher(vault, handler, time), time);
        _turns = grants.Where(grant => grant.IsRefreshable).ToDictionary(grant => grant, _ => new Turn());
        _timer = time.CreateTimer(_ => CheckNow(), null, s_period, s_period);
    }

    /// <summary>Starts to watch the clock. Vault and grants must outlive the broker.</summary>
    /// <param name="vault">The vault the grants were unlocked from.</param>
    /// <param name="grants">The grants of the run; those that are not refreshable are left alone.</param>
    /// <param name="handler">Null: the system's network. It is not disposed.</param>
    /// <param name="time">Null: the system's clock.</param>
    public static RefreshBroker Start(Vault vault, IReadOnlyList<UnlockedGrant> grants, HttpMessageHandler? handler = null, TimeProvider? time = null)
        => new(vault, grants, handler, time ?? TimeProvider.System);

    /// <summary>Renews what a run is about to unlock and is due, so that it does not start with a credential that is about to die.</summary>
    /// <exception cref="MoatException">A credential has expired and cannot be renewed.</exception>
    public static async Task EnsureFreshAsync(IEnumerable<GrantSpec> grants, Vault vault, ProviderCatalog catalog, HttpMessageHandler? handler = null, TimeProvider? time = null, CancellationToken ct = default)
    {
        var refresher = new Refresher(vault, handler, time ?? TimeProvider.System);
        foreach (var name in grants.Select(grant => catalog.Get(grant.Name).Name).Distinct(StringComparer.Ordinal))
        {
            try
            {
                await refresher.RefreshAsync(name, 1, ct).ConfigureAwait(false);
            }
            catch (TokenRefusedException refused)
            {
                using var credential = vault.Get(name);
                if (credential is { Revoked: null } && credential.ExpiresAt > (time ?? TimeProvider.System).GetUtcNow()) continue;
                throw new MoatException($"the grant {name} cannot be renewed: {refused.Message}", refused.IsFinal ? $"grant it again: moat grant {name}" : "check the network, then start the run again");
            }
        }
    }

    /// <summary>Begins what is due; done when that is.</summary>
    internal Task CheckNow()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return Task.CompletedTask;
            var now = _time.GetUtcNow();
            foreach (var (grant, turn) in _turns)
            {
                if (turn.Task.IsCompleted && turn.NotBefore <= now && grant.RefreshDueAt(turn.Jitter) <= now) turn.Task = TakeAsync(grant, turn);
            }
            return Task.WhenAll(_turns.Values.Select(turn => turn.Task));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        Task rest;
        lock (_gate)
        {
            _stop.Cancel();
            rest = Task.WhenAll(_turns.Values.Select(turn => turn.Task));
        }
        await rest.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task TakeAsync(UnlockedGrant grant, Turn turn)
    {
        // Off the timer's thread: what follows reads files and waits for a lock.
        await Task.Yield();
        try
        {
            await _refresher.RefreshAsync(grant.Name, turn.Jitter, _stop.Token).ConfigureAwait(false);
            // GrantWatch needs up to half a second to see what was stored.
            (turn.NotBefore, turn.Pause) = (_time.GetUtcNow() + s_period, s_firstPause);
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
        catch (Exception ex) when (ex is TokenRefusedException or MoatException or IOException)
        {
            // The credential still lives for a while, or the watch denies already; either way it is tried again, less and less often.
            turn.NotBefore = _time.GetUtcNow() + turn.Pause;
            turn.Pause = turn.Pause * 2 < s_longestPause ? turn.Pause * 2 : s_longestPause;
        }
    }

    private sealed class Turn
    {
        internal double Jitter { get; } = Random.Shared.NextDouble();

        internal Task Task { get; set; } = Task.CompletedTask;

        internal DateTimeOffset NotBefore { get; set; }

        internal TimeSpan Pause { get; set; } = s_firstPause;
    }
}
