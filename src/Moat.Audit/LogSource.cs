using System.Text;
using System.Text.Json;

namespace Moat.Audit;

/// <summary>A log to verify, out of its files or out of a bundle: where the lines are, and what came with them.</summary>
internal sealed class LogSource : IDisposable
{
    /// <summary>Longest first line of a bundle, in bytes: it holds all checkpoints.</summary>
    private const int MaxHeader = 256 * 1024 * 1024;

    private LogSource(Stream records)
    {
        Records = records;
    }

    public Stream Records { get; }

    public byte[] Checkpoints { get; private init; } = [];

    public string? Key { get; private init; }

    /// <summary>A later checkpoint that was kept apart from the log, out of a bundle.</summary>
    public string? Witness { get; private init; }

    /// <summary>How many records a bundle says that it holds.</summary>
    public long? Declared { get; private init; }

    public static LogSource Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        try
        {
            if (IsBundle(file))
                return FromBundle(file);
            var notes = LogFiles.CheckpointsOf(path);
            var key = LogFiles.KeyOf(path);
            return new LogSource(file)
            {
                Checkpoints = File.Exists(notes) ? ReadShared(notes) : [],
                Key = File.Exists(key) ? Encoding.UTF8.GetString(ReadShared(key)) : null,
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A bundle.</summary>
    public static LogSource Open(Stream stream) => FromBundle(stream);

    public void Dispose() => Records.Dispose();

    private static bool IsBundle(FileStream file)
    {
        var mark = AuditBundle.Mark;
        Span<byte> start = stackalloc byte[mark.Length];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return start[..read].SequenceEqual(mark);
    }

    private static LogSource FromBundle(Stream stream)
    {
        var buffered = stream as BufferedStream ?? new BufferedStream(stream, 1 << 16);
        var header = new MemoryStream();
        for (int b; (b = buffered.ReadByte()) != '\n';)
        {
            if (b < 0 || header.Length > MaxHeader)
                throw new InvalidDataException("The bundle's first line does not end.");
            header.WriteByte((byte)b);
        }
        try
        {
            using var json = JsonDocument.Parse(header.GetBuffer().AsMemory(0, (int)header.Length));
            var root = json.RootElement;
            if (root.GetProperty("format").GetString() != AuditBundle.Format)
                throw new InvalidDataException("This is no bundle of a known format.");
            return new LogSource(buffered)
            {
                Checkpoints = Encoding.UTF8.GetBytes(root.GetProperty("checkpoints").GetString() ?? ""),
                Key = root.GetProperty("key").GetString(),
                Declared = root.GetProperty("records").GetInt64(),
                Witness = root.TryGetProperty("witness", out var witness) ? witness.GetString() : null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException("The bundle's first line is not what an export writes.", e);
        }
    }

    internal static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var bytes = new byte[file.Length];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}
