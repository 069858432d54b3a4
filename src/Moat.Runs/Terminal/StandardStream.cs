using System.Runtime.InteropServices;

namespace Moat.Runs;

/// <summary>
/// Standard input, output or error as the bare descriptor. <see cref="Console"/> will not do: on a terminal it edits
/// lines itself and sends escape sequences that belong to the agent, and <see cref="FileStream"/> writes a shared file
/// at offsets of its own.
/// </summary>
public sealed unsafe class StandardStream : Stream
{
    private const int Interrupted = 4, TryAgain = 11;
    private const short Readable = 1, Writable = 4;
    private readonly int _descriptor;

    private StandardStream(int descriptor) => _descriptor = descriptor;

    public static StandardStream Input { get; } = new(0);

    public static StandardStream Output { get; } = new(1);

    public static StandardStream Error { get; } = new(2);

    public override bool CanRead => _descriptor == 0;

    public override bool CanWrite => _descriptor != 0;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Blocks until there is something; 0 at the end.</summary>
    public override int Read(Span<byte> buffer)
    {
        fixed (byte* data = buffer)
        {
            while (true)
            {
                var count = Native.Read(_descriptor, data, (nuint)buffer.Length);
                if (count >= 0) return (int)count;
                WaitOrThrow(Readable);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* data = buffer)
        {
            for (var sent = 0; sent < buffer.Length;)
            {
                var count = Native.Write(_descriptor, data + sent, (nuint)(buffer.Length - sent));
                if (count >= 0) sent += (int)count;
                else WaitOrThrow(Writable);
            }
        }
    }

    /// <summary>Writes a text at once; a reader that is gone is no failure of the run.</summary>
    public void TryWrite(string text)
    {
        try
        {
            Write(System.Text.Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            // Nobody reads what is said here any more.
        }
    }

    public override void Flush()
    {
        // Nothing is held back here.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // Whoever shares the descriptor may have made it non-blocking.
    private void WaitOrThrow(short what)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == Interrupted) return;
        if (error != TryAgain) throw new IOException($"descriptor {_descriptor} failed (errno {error})");
        var wait = new Native.PollEntry { Descriptor = _descriptor, Events = what };
        _ = Native.Poll(&wait, 1, -1);
    }
}
