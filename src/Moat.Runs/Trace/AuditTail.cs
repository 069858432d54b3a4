using System.Runtime.CompilerServices;
using Moat.Audit;

namespace Moat.Runs;

/// <summary>The records of a run's log as they come, until its seal or the end of its supervisor.</summary>
internal static class AuditTail
{
    public static async IAsyncEnumerable<AuditRecord> FollowAsync(RunFolder folder, [EnumeratorCancellation] CancellationToken ct)
    {
        // A supervisor that was killed seals nothing: the follower ends with its lock, not with the seal alone.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var watching = WatchAsync(folder, end);
        var records = AuditReader.FollowAsync(folder.AuditPath, end.Token).GetAsyncEnumerator(end.Token);
        await using (records.ConfigureAwait(false))
        {
            while (await NextAsync(records, ct).ConfigureAwait(false)) yield return records.Current;
        }

        await end.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<AuditRecord> records, CancellationToken ct)
    {
        try
        {
            return await records.MoveNextAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task WatchAsync(RunFolder folder, CancellationTokenSource end)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        try
        {
            while (LockFile.IsHeld(folder.LockPath)) await timer.WaitForNextTickAsync(end.Token).ConfigureAwait(false);
            // One more look of the reader at what was written last.
            await timer.WaitForNextTickAsync(end.Token).ConfigureAwait(false);
            await end.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The reader ended first.
        }
    }
}
