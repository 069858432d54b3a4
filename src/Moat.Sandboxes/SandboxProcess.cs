using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Moat.Linux;
using Moat.Linux.Processes;

namespace Moat.Sandboxes;

/// <summary>A process of the agent: its streams, its end, its signals.</summary>
public sealed class SandboxProcess : IDisposable
{
    private readonly Action<int> signal;
    private readonly SafeFileHandle? terminal;

    internal SandboxProcess(Stream? stdin, Stream stdout, Stream? stderr, SafeFileHandle? terminal, Task<int> exited, Action<int> signal)
    {
        Stdin = stdin;
        Stdout = stdout;
        Stderr = stderr;
        this.terminal = terminal;
        Exited = exited;
        this.signal = signal;
    }

    /// <summary>Standard input; with a terminal the same terminal as <see cref="Stdout"/>. Reads and writes block their thread.</summary>
    public Stream? Stdin { get; }

    public Stream Stdout { get; }

    /// <summary>Null with a terminal.</summary>
    public Stream? Stderr { get; }

    /// <summary>The exit code; 128 and the number for a signal; 126 and 127 as in a shell.</summary>
    public Task<int> Exited { get; }

    /// <summary>Sends a signal to the process group of the command.</summary>
    public Task SignalAsync(int number)
    {
        signal(number);
        return Task.CompletedTask;
    }

    public Task ResizeAsync(TerminalSize size)
    {
        if (terminal is { IsClosed: false }) PseudoTerminal.Resize((int)terminal.DangerousGetHandle(), size.Rows, size.Columns);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        Stdin?.Dispose();
        Stdout.Dispose();
        Stderr?.Dispose();
        terminal?.Dispose();
    }
}

/// <summary>A pipe's or terminal's end as a stream; the end of a terminal, which the kernel reports as EIO, is the end of the stream.</summary>
internal sealed unsafe class DescriptorStream(SafeFileHandle handle, bool canRead, bool canWrite) : Stream
{
    public override bool CanRead => canRead;

    public override bool CanWrite => canWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        // A reference for the call's time: a handle disposed meanwhile must not let the number be another file's.
        var held = false;
        handle.DangerousAddRef(ref held);
        try
        {
            fixed (byte* data = buffer) return Read(data, buffer.Length);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    private int Read(byte* data, int length)
    {
        while (true)
        {
            var got = Libc.read((int)handle.DangerousGetHandle(), data, (nuint)length);
            if (got >= 0) return (int)got;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Libc.EIO) return 0;
            if (errno != Libc.EINTR) throw new IOException("reading from the sandbox failed with errno " + errno);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var held = false;
        handle.DangerousAddRef(ref held);
        try
        {
            fixed (byte* data = buffer) Write(data, buffer.Length);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    private void Write(byte* data, int length)
    {
        for (var sent = 0; sent < length;)
        {
            var count = Libc.write((int)handle.DangerousGetHandle(), data + sent, (nuint)(length - sent));
            if (count > 0) sent += (int)count;
            else if (Marshal.GetLastPInvokeError() != Libc.EINTR) throw new IOException("writing to the sandbox failed with errno " + Marshal.GetLastPInvokeError());
        }
    }

    public override void Flush()
    {
        // Nothing is held back here.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) handle.Dispose();
        base.Dispose(disposing);
    }
}
