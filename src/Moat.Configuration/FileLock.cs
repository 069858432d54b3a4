using System.Diagnostics;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>One holder at a time, among processes; let go when disposed or when the process ends.</summary>
internal static class FileLock
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <exception cref="MoatException">Another process holds it for too long, or it cannot be made.</exception>
    public static FileStream Take(string path)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            }
            catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
            {
                if (ex is UnauthorizedAccessException || Stopwatch.GetElapsedTime(since) > s_patience)
                    throw new MoatException($"{path} cannot be locked: {ex.Message}", "end the other moat that holds it, or check the folder's owner", inner: ex);
                // flock has no wait with a limit; the holder needs a few milliseconds.
                Thread.Sleep(5);
            }
        }
    }
}
