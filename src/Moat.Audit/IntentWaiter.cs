using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Moat.Audit;

/// <summary>One append that waits for its batch. Pooled: an intent costs no garbage.</summary>
internal sealed class IntentWaiter : IValueTaskSource<long>
{
    private static readonly ConcurrentQueue<IntentWaiter> Pool = new();
    private const int Pooled = 1024;
    private ManualResetValueTaskSourceCore<long> _core;

    public long Seq { get; private set; }

    public ValueTask<long> Task => new(this, _core.Version);

    public static IntentWaiter Rent(long seq)
    {
        if (!Pool.TryDequeue(out var waiter))
            waiter = new IntentWaiter();
        waiter.Seq = seq;
        return waiter;
    }

    /// <param name="failure">Why the record is not durable; null when it is.</param>
    /// <param name="inline">True: whoever waits goes on in this call. It may not be made under a lock.</param>
    public void Complete(Exception? failure, bool inline)
    {
        _core.RunContinuationsAsynchronously = !inline;
        if (failure is null)
            _core.SetResult(Seq);
        else
            _core.SetException(failure);
    }

    public long GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            if (Pool.Count < Pooled)
                Pool.Enqueue(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
