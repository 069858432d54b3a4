using System.Globalization;
using System.Text;

namespace Moat.Kernel.Tests.Machine;

/// <summary>An initial file system as the kernel unpacks it (cpio, format newc).</summary>
internal sealed class CpioArchive(Stream output) : IDisposable
{
    private const uint Directory = 0x4000, Regular = 0x8000;

    private readonly HashSet<string> made = new(StringComparer.Ordinal);
    private uint number;

    /// <param name="name">Within the archive, without a leading slash.</param>
    /// <param name="content">What is in it.</param>
    public void Add(string name, ReadOnlySpan<byte> content)
    {
        Parents(name);
        if (made.Add(name)) Entry(name, Regular | 0x1ed, content);
    }

    public void AddFile(string name, string source) => Add(name, File.ReadAllBytes(source));

    public void AddDirectory(string name)
    {
        Parents(name);
        if (made.Add(name)) Entry(name, Directory | 0x1ed, []);
    }

    public void Dispose()
    {
        Entry("TRAILER!!!", 0, []);
        output.Flush();
    }

    private void Parents(string name)
    {
        for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            if (made.Add(name[..slash])) Entry(name[..slash], Directory | 0x1ed, []);
        }
    }

    private void Entry(string name, uint mode, ReadOnlySpan<byte> content)
    {
        var bytes = Encoding.UTF8.GetBytes(name + "\0");
        uint[] fields = [++number, mode, 0, 0, 1, 0, (uint)content.Length, 0, 0, 0, 0, (uint)bytes.Length, 0];
        output.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(field => field.ToString("x8", CultureInfo.InvariantCulture)))));
        output.Write(bytes);
        Pad(110 + bytes.Length);
        output.Write(content);
        Pad(content.Length);
    }

    private void Pad(int length) => output.Write("\0\0\0"u8[..((4 - (length % 4)) % 4)]);
}
