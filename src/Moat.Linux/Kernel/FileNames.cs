namespace Moat.Linux;

/// <summary>How many names (hard links) a file has.</summary>
public static unsafe class FileNames
{
    /// <summary>The number for the file itself, a link not followed; 0 where there is none.</summary>
    public static int CountOf(string path)
    {
        // struct statx has one layout everywhere: 256 bytes, nlink at 16. AT_FDCWD is -100, AT_SYMLINK_NOFOLLOW 0x100, STATX_NLINK 4.
        var buffer = stackalloc byte[256];
        using var strings = new NativeStrings();
        return Libc.statx(-100, strings.String(path), 0x100, 4, buffer) == 0 ? *(int*)(buffer + 16) : 0;
    }
}
