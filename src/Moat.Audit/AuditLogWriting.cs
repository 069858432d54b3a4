namespace Moat.Audit;

/// <content>Steps 2 to 4: write, sync, checkpoint, and what happens when one of them fails.</content>
public sealed partial class AuditLog
{
    [ThreadStatic]
    private static List<IntentWaiter>? t_done;

    // A waiter's work may come to append an intent of its own, and so on: one level is run at once, no more.
    [ThreadStatic]
    private static bool t_runsWaiters;

    /// <summary>Under the lock: makes the caller the writer of what is there.</summary>
    private Batch TakeBatch()
    {
        _writing = true;
        var batch = _active;
        batch.End = _next;
        _active = _spare;
        return batch;
    }

    private void WaitForWriter()
    {
        while (_writing && Failure is null)
            Monitor.Wait(_gate);
    }

    /// <summary>
    /// Step 2, outside the lock, by the one who took the batch. Intents that came meanwhile are written too, and those who
    /// wait for them go on in this thread: to wake another one would cost more than what they have to do. After a few
    /// rounds a pool thread takes over, so that this caller gets on with its own.
    /// </summary>
    private void WriteBatch(Batch batch, bool mayRunWaiters)
    {
        const int rounds = 4;
        var inline = mayRunWaiters && !t_runsWaiters;
        var done = inline ? t_done ??= [] : null;
        var more = WriteOne(batch, done);
        for (var round = 1; more is not null && round < rounds; round++)
            more = WriteOne(more, done);
        if (more is not null)
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.Log.WriteBatch(state.Batch, mayRunWaiters: true), (Log: this, Batch: more), preferLocal: false);
        if (done is not { Count: > 0 })
            return;
        t_runsWaiters = true;
        try
        {
            foreach (var waiter in done)
                waiter.Complete(null, inline: true);
        }
        finally
        {
            done.Clear();
            t_runsWaiters = false;
        }
    }

    /// <param name="batch">What to write.</param>
    /// <param name="done">Takes the waiters of the batch, when it is durable; null completes them on other threads.</param>
    /// <returns>The next batch, which is the caller's to write; null when no intent waits.</returns>
    private Batch? WriteOne(Batch batch, List<IntentWaiter>? done)
    {
        Exception? failure = null;
        try
        {
            _files.WriteRecords(batch.Bytes.Written[1..]);
        }
        catch (Exception e)
        {
            // Whatever it was, the log has no promise left to give.
            failure = Why("Writing the audit log failed", e);
        }
        var first = failure is not null && TrySetFailure(failure);
        Batch? next = null;
        lock (_gate)
        {
            if (failure is null)
                _written = batch.End;
            if (failure is null && _options.Durability == AuditDurability.Disk)
                _awaitingSync.AddRange(batch.Waiters);
            else if (Failure is null && done is not null)
                done.AddRange(batch.Waiters);
            else
                Complete(batch.Waiters);
            batch.Reset();
            _spare = batch;
            _writing = false;
            if (Failure is not null)
                Complete(_active.Waiters);
            else if (_active.Waiters.Count > 0 && _options.Durability == AuditDurability.Process)
                next = TakeBatch();
            Monitor.PulseAll(_gate);
        }
        if (first)
            Failed?.Invoke(failure!);
        return next;
    }

    /// <summary>Writes what is there now, if anything is.</summary>
    private void WriteActive(bool mayRunWaiters)
    {
        Batch batch;
        lock (_gate)
        {
            WaitForWriter();
            if (_active.IsEmpty || Failure is not null)
                return;
            batch = TakeBatch();
        }
        WriteBatch(batch, mayRunWaiters);
    }

    private void Complete(List<IntentWaiter> waiters)
    {
        var failure = Failure is null ? null : Unavailable();
        foreach (var waiter in waiters)
            waiter.Complete(failure, inline: false);
        waiters.Clear();
    }

    /// <returns>true for the first failure, which the caller announces once it holds nothing any more.</returns>
    private bool TrySetFailure(Exception failure)
    {
        lock (_gate)
        {
            if (Failure is not null)
                return false;
            Failure = failure;
            Complete(_awaitingSync);
            if (!_writing)
                Complete(_active.Waiters);
            Monitor.PulseAll(_gate);
            _dirty.Set();
            _urgent.Set();
            return true;
        }
    }

    /// <summary>Steps 3 and 4, until the log is closed or fails.</summary>
    private void Background()
    {
        try
        {
            var lastCheckpoint = _options.Clock.GetTimestamp();
            while (true)
            {
                WaitForWork(lastCheckpoint);
                if (Tick(ref lastCheckpoint))
                    break;
            }
            _finished.TrySetResult();
        }
        catch (Exception e)
        {
            // The disk or the signature failed: either way the log has no promise left to give.
            var failure = Why("Securing the audit log failed", e);
            var first = TrySetFailure(failure);
            _finished.TrySetException(Unavailable());
            // Observed here: whoever does not seal does not await it.
            _ = _finished.Task.Exception;
            if (first)
                Failed?.Invoke(failure);
        }
    }

    private void WaitForWork(long lastCheckpoint)
    {
        bool pending;
        lock (_gate)
            pending = _checkpointed >= 0 && _checkpointed < _next;
        var left = _options.CheckpointInterval - _options.Clock.GetElapsedTime(lastCheckpoint);
        if (pending)
            _dirty.WaitOne(left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1));
        else
            _dirty.WaitOne();
        _urgent.WaitOne(SyncDelay);
    }

    /// <returns>true when the log is closed and everything is done.</returns>
    private bool Tick(ref long lastCheckpoint)
    {
        bool closing;
        long size;
        byte[]? root = null;
        lock (_gate)
        {
            if (Failure is not null)
                throw Failure;
            _isDirty = false;
            closing = _closed;
            size = _next;
            var due = closing || _checkpointed < 0 || size - _checkpointed >= _options.CheckpointRecords
                || _options.Clock.GetElapsedTime(lastCheckpoint) >= _options.CheckpointInterval;
            if (size > _checkpointed && due)
                root = _tree.Root();
        }
        // The waiters' own work would keep this thread from the disk.
        WriteActive(mayRunWaiters: false);
        long written;
        lock (_gate)
        {
            // A batch that another thread took before this tick may hold records under the root.
            while (_written < size && Failure is null)
                Monitor.Wait(_gate);
            if (Failure is not null)
                throw Failure;
            written = _written;
        }
        _files.SyncRecords();
        lock (_gate)
        {
            var ready = _awaitingSync.Count;
            for (var i = 0; i < _awaitingSync.Count; i++)
            {
                if (_awaitingSync[i].Seq >= written)
                {
                    ready = i;
                    break;
                }
                _awaitingSync[i].Complete(null, inline: false);
            }
            _awaitingSync.RemoveRange(0, ready);
        }
        if (root is not null)
        {
            var note = new AuditCheckpoint(_options.Origin, size, root).Sign(_options.Key);
            _files.WriteCheckpoint(note);
            lastCheckpoint = _options.Clock.GetTimestamp();
            if (_options.WitnessPath is { } path && (closing || _witnessed is not { } last || _options.Clock.GetElapsedTime(last) >= _options.CheckpointInterval))
            {
                // After the checkpoint, so that a crash between the two leaves a witness that is behind and never one ahead.
                LogFiles.WriteWitness(path, note);
                _witnessed = lastCheckpoint;
            }
            lock (_gate)
                _checkpointed = size;
        }
        return closing;
    }
}
