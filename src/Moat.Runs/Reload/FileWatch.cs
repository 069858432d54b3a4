using System.Runtime.InteropServices;

namespace Moat.Runs;

/// <summary>
/// Tells when a file was saved (inotify(7)): written and closed, or put in its place by a rename, as editors do. A file that
/// is still being written is no news.
/// </summary>
internal sealed partial class FileWatch : IDisposable
{
    private const int O_CLOEXEC = 0x80000;
    private const uint CloseWrite = 0x8, MovedTo = 0x80, Ignored = 0x8000, QueueOverflow = 0x4000, OnlyFolder = 0x1000000;
    private const int HeadLength = 16, BufferLength = 64 * 1024;

    private readonly int _inotify;
    private readonly int _watch;
    private readonly Thread _thread;

    private FileWatch(int inotify, int watch, string name, Action saved)
    {
        (_inotify, _watch) = (inotify, watch);
        _thread = new Thread(() => Run(name, saved)) { IsBackground = true, Name = "moat file watch" };
        _thread.Start();
    }

    /// <param name="path">The file itself, no link to it.</param>
    /// <param name="saved">Called on a thread of the watch, one call at a time; does not throw.</param>
    /// <exception cref="IOException">The system watches no more files.</exception>
    public static FileWatch Start(string path, Action saved)
    {
        var inotify = InotifyInit(O_CLOEXEC);
        if (inotify < 0) throw new IOException($"{path} cannot be watched (errno {Marshal.GetLastPInvokeError()})");
        var watch = InotifyAddWatch(inotify, Path.GetDirectoryName(path)!, CloseWrite | MovedTo | OnlyFolder);
        if (watch >= 0) return new FileWatch(inotify, watch, Path.GetFileName(path), saved);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(inotify);
        throw new IOException($"{path} cannot be watched (errno {error})");
    }

    public void Dispose()
    {
        // The watch's end is its last event, which wakes the thread.
        _ = InotifyRemoveWatch(_inotify, _watch);
        _thread.Join();
        _ = Close(_inotify);
    }

    private unsafe void Run(string name, Action saved)
    {
        var buffer = new byte[BufferLength];
        while (true)
        {
            nint length;
            fixed (byte* into = buffer) length = Native.Read(_inotify, into, BufferLength);
            if (length <= 0) return;
            var (news, over) = (false, false);
            for (var at = 0; at + HeadLength <= length;)
            {
                var mask = BitConverter.ToUInt32(buffer, at + 4);
                var text = buffer.AsSpan(at + HeadLength, BitConverter.ToInt32(buffer, at + 12));
                news |= (mask & QueueOverflow) != 0 || ((mask & (CloseWrite | MovedTo)) != 0 && System.Text.Encoding.UTF8.GetString(text.TrimEnd((byte)0)) == name);
                over |= (mask & Ignored) != 0;
                at += HeadLength + text.Length;
            }

            if (over) return;
            if (news) saved();
        }
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InotifyAddWatch(int inotify, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch", SetLastError = true)]
    private static partial int InotifyRemoveWatch(int inotify, int watch);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
