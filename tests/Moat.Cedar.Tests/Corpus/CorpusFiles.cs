using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Moat.Cedar.Tests.Corpus;

/// <summary>
/// Cedar's own test cases, which are not part of this repository: archives in a folder <c>shared/cedar</c> beside the repository
/// or further up, or where MOAT_CEDAR_CORPUS says.
/// </summary>
internal static class CorpusFiles
{
    public const string Generated = "corpus.tar.gz";
    public const string Handwritten = "handwritten.tar.gz";

    /// <summary>The cases of one archive; null when it is not there.</summary>
    public static IEnumerable<CorpusCase>? Cases(string archive) => Find(archive) is { } path ? Read(path) : null;

    private static string? Find(string archive)
    {
        if (Environment.GetEnvironmentVariable("MOAT_CEDAR_CORPUS") is { Length: > 0 } folder) return Path.Combine(folder, archive);
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "shared", "cedar", archive);
            if (File.Exists(path)) return path;
        }

        return null;
    }

    // The texts are unpacked into memory, some tens of megabytes, since a case comes before or after the files that it names.
    private static IEnumerable<CorpusCase> Read(string path)
    {
        var texts = new Dictionary<string, string>();
        using var file = File.OpenRead(path);
        using var unpacked = new GZipStream(file, CompressionMode.Decompress);
        using var archive = new TarReader(unpacked);
        while (archive.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null) continue;
            using var reader = new StreamReader(entry.DataStream, Encoding.UTF8);
            texts.Add(entry.Name, reader.ReadToEnd());
        }

        foreach (var (name, text) in texts)
        {
            if (name.EndsWith(".json", StringComparison.Ordinal) && text.Contains("\"shouldValidate\"", StringComparison.Ordinal)) yield return new CorpusCase(name, text, texts);
        }
    }
}
