using Moat.Sandboxes;
using static Moat.Runs.Native;

namespace Moat.Runs;

/// <summary>
/// The person's terminal in raw mode, restored by <see cref="Dispose"/> and, whatever happens, when the process exits.
/// </summary>
internal sealed unsafe class TerminalMode : IDisposable
{
    private const int Input = 0, Output = 1;

    // TCSADRAIN: what the agent printed last goes out under the mode that it was printed for.
    private const int AfterOutput = 1;

    // The same on x86-64 and arm64 (asm-generic/ioctls.h).
    private const nuint GetWindowSize = 0x5413;

    private Termios _before;
    private int _restored;

    private TerminalMode(Termios before)
    {
        _before = before;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Whether standard input and output are both a terminal.</summary>
    public static bool IsPresent => IsATty(Input) == 1 && IsATty(Output) == 1;

    /// <summary>Raw mode; null when standard input is no terminal.</summary>
    public static TerminalMode? EnterRaw()
    {
        Termios before;
        if (GetTermios(Input, &before) != 0) return null;
        var mode = new TerminalMode(before);
        var raw = before;
        MakeRaw(&raw);
        if (SetTermios(Input, AfterOutput, &raw) == 0) return mode;
        mode.Dispose();
        return null;
    }

    /// <summary>The terminal's size; 24 rows of 80 columns when it does not tell.</summary>
    public static TerminalSize Size()
    {
        WindowSize size;
        return Ioctl(Output, GetWindowSize, &size) == 0 && size is { Rows: > 0, Columns: > 0 }
            ? new TerminalSize(size.Rows, size.Columns) : new TerminalSize(24, 80);
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Restore();
    }

    private void OnExit(object? sender, EventArgs e) => Restore();

    private void Restore()
    {
        if (Interlocked.Exchange(ref _restored, 1) != 0) return;
        fixed (Termios* before = &_before)
            _ = SetTermios(Input, AfterOutput, before);
    }
}
