namespace Moat.Audit;

/// <summary>
/// One run's append-only log: a hash chain of canonical JSON lines, an RFC 6962 tree over them and signed checkpoints
/// beside it (<c>PATH.checkpoints</c>, and the public key in <c>PATH.vkey</c>).
/// <code>
///   append ──(1) line, chain, tree──► active batch ──(2) one write(2)──► file ──(3) fdatasync──(4) signed checkpoint
/// </code>
/// (1) happens under the lock. (2) is done by the appending thread when nobody else writes, so that a lone intent costs
/// one system call and no thread switch; otherwise the batch waits for the writer of the one before, and everybody in it
/// shares one write. (3) and (4) belong to one background thread. A checkpoint is signed only after its records are
/// synced, so that no crash can look like a cut tail.
/// </summary>
public sealed partial class AuditLog : IAsyncDisposable
{
    private const int InlineWriteBytes = 256 * 1024;
    private const int BackPressureBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan SyncDelay = TimeSpan.FromMilliseconds(25);

    private readonly object _gate = new();
    private readonly AuditOptions _options;
    private readonly LogFiles _files;
    private readonly MerkleTree _tree = new();
    private readonly byte[] _prev = new byte[MerkleTree.HashSize];
    private readonly byte[] _leaf = new byte[MerkleTree.HashSize];
    private readonly long _start;
    private readonly AutoResetEvent _dirty = new(false);
    private readonly AutoResetEvent _urgent = new(false);
    private readonly Thread _background;
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IntentWaiter> _awaitingSync = [];
    private Batch _active = new();
    private Batch _spare = new();
    private bool _writing;
    private bool _isDirty;
    private bool _closed;
    private long _next;
    private long _written;
    private long _checkpointed = -1;
    private long? _witnessed;
    private int _disposed;

    private AuditLog(LogFiles files, AuditOptions options)
    {
        _files = files;
        _options = options;
        _start = options.Clock.GetTimestamp();
        _background = new Thread(Background) { IsBackground = true, Name = "moat-audit" };
        _background.Start();
    }

    /// <summary>Why the log takes no more records; null while it works. Every append then throws <see cref="AuditUnavailableException"/>.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Raised once, on an arbitrary thread, when the log fails. The run has to stop: nothing can be recorded.</summary>
    public event Action<Exception>? Failed;

    /// <summary>Starts a new log. Only the owner may read it (0600).</summary>
    /// <exception cref="IOException">The file exists (a second writer is refused so) or cannot be made.</exception>
    public static AuditLog Create(string path, AuditOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CheckpointRecords, 1);
        if (!AuditPublicKey.IsName(options.Origin))
            throw new ArgumentException("An origin is not empty and has no spaces and no '+'.", nameof(options));
        return new AuditLog(LogFiles.Create(path, options.Key.PublicKeyText), options);
    }

    /// <summary>Appends a record, in order; it reaches the file within about 25 ms or with the next intent.</summary>
    /// <returns>Its sequence number; the first is 0.</returns>
    /// <exception cref="AuditUnavailableException">The log failed, is sealed or closed.</exception>
    public long Append(string type, AuditPayload payload)
    {
        Batch? mine = null;
        long seq;
        lock (_gate)
        {
            seq = AddRecord(type, payload, seal: false);
            if (_active.Bytes.Length >= InlineWriteBytes && !_writing)
                mine = TakeBatch();
            else if (_active.Bytes.Length >= BackPressureBytes)
                WaitForWriter();
        }
        if (mine is not null)
            WriteBatch(mine, mayRunWaiters: true);
        return seq;
    }

    /// <summary>Appends a record and completes when it is durable (<see cref="AuditOptions.Durability"/>): only then may the effect happen.</summary>
    /// <exception cref="AuditUnavailableException">The record is not durable: the log failed, is sealed or closed.</exception>
    public ValueTask<long> AppendIntentAsync(string type, AuditPayload payload, CancellationToken ct = default)
    {
        // A record cannot be taken back, so cancellation counts only before it.
        ct.ThrowIfCancellationRequested();
        Batch mine;
        long seq;
        lock (_gate)
        {
            seq = AddRecord(type, payload, seal: false);
            if (_writing || _options.Durability == AuditDurability.Disk)
            {
                var waiter = IntentWaiter.Rent(seq);
                _active.Waiters.Add(waiter);
                if (_options.Durability == AuditDurability.Disk)
                    _urgent.Set();
                return waiter.Task;
            }
            mine = TakeBatch();
        }
        WriteBatch(mine, mayRunWaiters: true);
        return Failure is null ? ValueTask.FromResult(seq) : ValueTask.FromException<long>(Unavailable());
    }

    /// <summary>Writes the last record and the checkpoint that ends the log; completes when both are on disk.</summary>
    /// <param name="type">A type that <see cref="AuditTypes.IsSeal"/> knows.</param>
    /// <param name="payload">The last payload.</param>
    /// <exception cref="AuditUnavailableException">The log failed, is sealed or closed already.</exception>
    public Task SealAsync(string type, AuditPayload payload)
    {
        if (!AuditTypes.IsSeal(type))
            throw new ArgumentException("A log ends with a record of type *.sealed.", nameof(type));
        lock (_gate)
        {
            AddRecord(type, payload, seal: true);
            _closed = true;
            _urgent.Set();
        }
        return _finished.Task;
    }

    /// <summary>Closes the files. Without a seal, what was appended is written and covered by a checkpoint, and the log stays unsealed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        lock (_gate)
        {
            _closed = true;
            _dirty.Set();
            _urgent.Set();
        }
        try
        {
            await _finished.Task.ConfigureAwait(false);
        }
        catch (AuditUnavailableException)
        {
            // Told through Failure and Failed; closing has nothing to add.
        }
        _background.Join();
        lock (_gate)
        {
            while (_writing)
                Monitor.Wait(_gate);
        }
        _files.Dispose();
        _dirty.Dispose();
        _urgent.Dispose();
    }

    /// <summary>Step 1, under the lock.</summary>
    private long AddRecord(string type, AuditPayload payload, bool seal)
    {
        if (Failure is not null || _closed)
            throw Unavailable();
        var builder = payload.Builder;
        if (type.Length is 0 or > RecordLine.MaxType)
            throw new ArgumentException($"A type has 1 to {RecordLine.MaxType} characters.", nameof(type));
        if (!seal && AuditTypes.IsSeal(type))
            throw new ArgumentException("Only SealAsync writes a record of type *.sealed.", nameof(type));
        if (builder.EncodedLength > RecordLine.MaxPayload)
            throw new ArgumentException($"A payload has at most {RecordLine.MaxPayload} bytes.", nameof(payload));

        var clock = _options.Clock;
        // On Linux the frequency is 1 GHz and this is exact; a test's clock may be coarser.
        var mono = (long)((Int128)(clock.GetTimestamp() - _start) * 1_000_000_000 / clock.TimestampFrequency);
        var bytes = _active.Bytes;
        var start = bytes.Length;
        try
        {
            RecordLine.Write(bytes, mono, builder, _prev, _next, clock.GetUtcNow().UtcDateTime, type);
        }
        catch
        {
            // Half a line (no memory for the rest) would break the chain of everybody after it.
            bytes.TruncateTo(start);
            throw;
        }
        builder.Return();
        RecordLine.Hash(bytes.Array, start, bytes.Length - start - 1, _prev, _leaf);
        _tree.Add(_leaf);
        if (!_isDirty)
        {
            _isDirty = true;
            _dirty.Set();
        }
        if (_next + 1 - _checkpointed >= _options.CheckpointRecords && (_next & 63) == 0)
            _urgent.Set();
        return _next++;
    }

    private AuditUnavailableException Unavailable() => Failure is null
        ? new AuditUnavailableException("The audit log is sealed or closed.")
        : new AuditUnavailableException($"The audit log cannot be written: {Failure.Message}", Failure);

    private static AuditUnavailableException Why(string what, Exception inner) => new AuditUnavailableException($"{what}: {inner.Message}", inner);

    /// <summary>Lines that go to the file with one write. Byte 0 is not written: the leaf hash borrows it.</summary>
    private sealed class Batch
    {
        public Batch() => Reset();

        public ByteBuffer Bytes { get; } = new(64 * 1024);

        public List<IntentWaiter> Waiters { get; } = [];

        public long End { get; set; }

        public bool IsEmpty => Bytes.Length == 1;

        public void Reset()
        {
            Bytes.Clear();
            Bytes.Add((byte)0);
            Waiters.Clear();
        }
    }
}
