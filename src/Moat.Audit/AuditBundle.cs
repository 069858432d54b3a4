namespace Moat.Audit;

/// <summary>
/// A log in one file, for another machine. Line 1 is
/// <c>{"checkpoints":"notes","format":"moat-audit-bundle/1","key":"vkey","records":n,"witness":"note"}</c>, the last where
/// there is a witness; the record lines follow, byte for byte. A torn last line of a crashed log is left out.
/// </summary>
public static class AuditBundle
{
    internal const string Format = "moat-audit-bundle/1";

    internal static ReadOnlySpan<byte> Mark => "{\"checkpoints\":"u8;

    /// <summary>Writes the bundle of the log at <paramref name="path"/>.</summary>
    /// <param name="path">The records.</param>
    /// <param name="output">Takes the bundle.</param>
    /// <param name="witness">The note at <see cref="AuditOptions.WitnessPath"/>, read before this call; null: none.</param>
    /// <exception cref="IOException">The log or the output cannot be used.</exception>
    public static void Export(string path, Stream output, string? witness = null)
    {
        using var records = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        // The checkpoints are read before the records are counted, so that a log in use has at least what they cover.
        using var source = LogSource.Open(path);
        var (count, length) = CountLines(records);
        var header = new ByteBuffer(4096);
        header.Add("{\"checkpoints\":"u8);
        CanonicalWriter.String(header, System.Text.Encoding.UTF8.GetString(source.Checkpoints));
        header.Add(",\"format\":"u8);
        CanonicalWriter.String(header, Format);
        header.Add(",\"key\":"u8);
        CanonicalWriter.String(header, source.Key?.Trim() ?? "");
        header.Add(",\"records\":"u8);
        CanonicalWriter.Integer(header, count);
        if (witness is not null)
        {
            header.Add(",\"witness\":"u8);
            CanonicalWriter.String(header, witness);
        }
        header.Add("}\n"u8);
        output.Write(header.Written);

        records.Position = 0;
        var buffer = new byte[1 << 16];
        while (length > 0)
        {
            var read = records.Read(buffer, 0, (int)Math.Min(buffer.Length, length));
            if (read == 0)
                throw new EndOfStreamException("The audit log became shorter while it was exported.");
            output.Write(buffer, 0, read);
            length -= read;
        }
    }

    private static (long Lines, long Length) CountLines(FileStream records)
    {
        long lines = 0, length = 0, position = 0;
        var buffer = new byte[1 << 16];
        for (int read; (read = records.Read(buffer)) > 0; position += read)
        {
            var block = buffer.AsSpan(0, read);
            lines += block.Count((byte)'\n');
            var last = block.LastIndexOf((byte)'\n');
            if (last >= 0)
                length = position + last + 1;
        }
        return (lines, length);
    }
}
