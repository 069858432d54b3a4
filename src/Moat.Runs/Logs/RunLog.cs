using System.Text;
using System.Text.Json;

namespace Moat.Runs;

/// <summary>
/// Writes <c>logs.jsonl</c> as lines come, so that <c>moat logs -f</c> sees them at once. A full disk ends the log, not
/// the agent's output: the audit log decides about the run.
/// </summary>
internal sealed class RunLog : IDisposable
{
    private readonly FileStream _file;
    private readonly LogRedactor _redactor;
    private readonly Lock _gate = new();
    private readonly List<LineSplitter> _splitters = [];

    public RunLog(string path, LogRedactor redactor)
    {
        _redactor = redactor;
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = RunFolder.PrivateFile,
            BufferSize = 0,
        });
    }

    /// <summary>Why nothing more is kept; null while the log works.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>A sink for one stream; each is used by one thread at a time.</summary>
    public LineSplitter Open(string stream)
    {
        var splitter = new LineSplitter(_redactor, (line, partial) => Write(stream, line.Span, partial));
        _splitters.Add(splitter);
        return splitter;
    }

    public void Dispose()
    {
        foreach (var splitter in _splitters) splitter.Complete();
        _file.Dispose();
        _redactor.Dispose();
    }

    private void Write(string stream, ReadOnlySpan<byte> line, bool partial)
    {
        var entry = new LogLine(DateTimeOffset.UtcNow, stream, Encoding.UTF8.GetString(line), partial);
        byte[] json = [.. JsonSerializer.SerializeToUtf8Bytes(entry, LogLineContext.Default.LogLine), (byte)'\n'];
        lock (_gate)
        {
            if (Failure is not null) return;
            try
            {
                _file.Write(json);
            }
            catch (IOException e)
            {
                Failure = e;
            }
        }
    }
}
