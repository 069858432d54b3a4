using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Moat.Audit;

/// <summary>A signed tree head: "the log <see cref="Origin"/> had <see cref="Size"/> records with this root" (C2SP tlog-checkpoint).</summary>
public sealed record AuditCheckpoint(string Origin, long Size, ReadOnlyMemory<byte> Root)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>How the signature of a note was judged.</summary>
    internal enum Trust
    {
        Malformed,
        UnknownKey,
        BadSignature,
        Good,
    }

    /// <summary>The signed note (C2SP signed-note): text, blank line, one signature line.</summary>
    internal string Sign(AuditKey key)
    {
        var text = $"{Origin}\n{Size}\n{Convert.ToBase64String(Root.Span)}\n";
        var signature = key.Sign(Encoding.UTF8.GetBytes(text));
        var blob = new byte[4 + signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(blob, key.PublicKey.Id);
        signature.CopyTo(blob, 4);
        return $"{text}\n— {key.PublicKey.Name} {Convert.ToBase64String(blob)}\n";
    }

    /// <summary>Opens a note, for example one that was kept elsewhere as a witness.</summary>
    /// <returns>null if the note is malformed or not signed by the key.</returns>
    public static AuditCheckpoint? Open(string note, AuditPublicKey key) =>
        Open(note, key, out var checkpoint) == Trust.Good ? checkpoint : null;

    internal static Trust Open(string note, AuditPublicKey key, out AuditCheckpoint? checkpoint)
    {
        checkpoint = null;
        var split = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (split < 0 || !note.EndsWith('\n'))
            return Trust.Malformed;
        var text = note[..(split + 1)];
        var lines = text.Split('\n');
        var root = new byte[MerkleTree.HashSize];
        if (lines.Length < 4 || lines.Take(lines.Length - 1).Any(string.IsNullOrEmpty)
            || !long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            || lines[1] != size.ToString(CultureInfo.InvariantCulture)
            || !Convert.TryFromBase64String(lines[2], root, out var length) || length != MerkleTree.HashSize)
        {
            return Trust.Malformed;
        }
        foreach (var line in note[(split + 2)..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ');
            var blob = new byte[256];
            if (parts.Length != 3 || parts[0] != "—" || !Convert.TryFromBase64String(parts[2], blob, out var bytes) || bytes < 5)
                return Trust.Malformed;
            if (parts[1] != key.Name || BinaryPrimitives.ReadUInt32BigEndian(blob) != key.Id)
                continue;
            // Name and id are known, so the signature has to be good (signed-note, "Signatures").
            if (!key.Verify(Encoding.UTF8.GetBytes(text), blob.AsSpan(4, bytes - 4)))
                return Trust.BadSignature;
            checkpoint = new AuditCheckpoint(lines[0], size, root);
            return Trust.Good;
        }
        return Trust.UnknownKey;
    }

    /// <summary>Cuts a checkpoints file into notes. A last note without its end (a crash while it was written) is left out and told.</summary>
    internal static List<string> SplitNotes(ReadOnlySpan<byte> file, out bool torn)
    {
        var notes = new List<string>();
        var start = 0;
        torn = false;
        // Notes stand one blank line apart; a note holds exactly one blank line of its own.
        while (start < file.Length)
        {
            var text = file[start..].IndexOf("\n\n"u8);
            var signed = text < 0 ? -1 : file[(start + text + 2)..].IndexOf("\n\n"u8);
            if (signed < 0)
            {
                torn = true;
                break;
            }
            var end = start + text + 2 + signed + 1;
            try
            {
                notes.Add(Strict.GetString(file[start..end]));
            }
            catch (DecoderFallbackException)
            {
                // Not UTF-8: an empty note is malformed, which the verifier reports.
                notes.Add("");
            }
            start = end + 1;
        }
        return notes;
    }
}
