using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Moat.Runs;

/// <summary>Reads <c>logs.jsonl</c>, also while it grows.</summary>
public static class LogReader
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>The last <paramref name="count"/> lines that are there now.</summary>
    public static IReadOnlyList<LogLine> Tail(RunFolder folder, int count)
    {
        var kept = new Queue<LogLine>();
        if (!File.Exists(folder.LogPath)) return [];
        using var reader = Open(folder.LogPath);
        while (reader.ReadLine() is { } text)
        {
            if (Parse(text) is not { } line) continue;
            if (count > 0 && kept.Count == count) kept.Dequeue();
            if (count > 0) kept.Enqueue(line);
        }

        return [.. kept];
    }

    /// <summary>The last lines, then each new one, until the run is over.</summary>
    public static async IAsyncEnumerable<LogLine> FollowAsync(RunFolder folder, int count, [EnumeratorCancellation] CancellationToken ct = default)
    {
        // Polling, since inotify watches are few on many machines and blind on some file systems.
        using var timer = new PeriodicTimer(Poll);
        while (!File.Exists(folder.LogPath) && LockFile.IsHeld(folder.LockPath)) await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
        if (!File.Exists(folder.LogPath)) yield break;
        using var file = new FileStream(folder.LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var backlog = new Queue<LogLine>();
        var pending = new MemoryStream();
        var buffer = new byte[16 * 1024];
        var over = false;
        var first = true;
        while (true)
        {
            // Liveness is looked at before the read, so that the last lines of a run that just ended are not missed.
            over = !LockFile.IsHeld(folder.LockPath);
            for (int read; (read = await file.ReadAsync(buffer, ct).ConfigureAwait(false)) > 0;)
            {
                foreach (var line in Cut(pending, buffer.AsSpan(0, read)))
                {
                    if (!first)
                    {
                        yield return line;
                        continue;
                    }

                    if (backlog.Count == Math.Max(count, 0) && backlog.Count > 0) backlog.Dequeue();
                    if (count > 0) backlog.Enqueue(line);
                }
            }

            if (first)
            {
                foreach (var line in backlog) yield return line;
                first = false;
            }

            if (over) yield break;
            await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
        }
    }

    private static List<LogLine> Cut(MemoryStream pending, ReadOnlySpan<byte> bytes)
    {
        var lines = new List<LogLine>();
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            pending.Write(bytes[..end]);
            if (Parse(System.Text.Encoding.UTF8.GetString(pending.GetBuffer().AsSpan(0, (int)pending.Length))) is { } line) lines.Add(line);
            pending.SetLength(0);
            bytes = bytes[(end + 1)..];
        }

        pending.Write(bytes);
        return lines;
    }

    private static StreamReader Open(string path) =>
        new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    private static LogLine? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, LogLineContext.Default.LogLine);
        }
        catch (JsonException)
        {
            // The torn last line of a supervisor that was killed.
            return null;
        }
    }
}
