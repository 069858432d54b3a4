using System.Formats.Tar;
using System.IO.Compression;

namespace Moat.Cedar.Tests.Corpus;

/// <summary>The reference implementation's test data, read from its archives where they lie. They are large and no part of the repository.</summary>
internal static class CorpusArchive
{
    private const string Variable = "MOAT_CEDAR_DATA";

    /// <summary>The cases of the generated corpus, one after another as the archive holds them.</summary>
    public static IEnumerable<CorpusCase> Corpus() => Corpus(Find("corpus.tar.gz"));

    private static IEnumerable<CorpusCase> Corpus(string archive)
    {
        var files = new Dictionary<string, string>();
        foreach (var (name, text) in Read(archive))
        {
            files[Path.GetFileName(name)] = text;
            var id = Path.GetFileName(name).Split('.')[0];
            string[] parts = [$"{id}.cedar", $"{id}.cedarschema", $"{id}.entities.json", $"{id}.json"];
            if (!parts.All(files.ContainsKey)) continue;
            yield return CorpusCase.Create(id, files[$"{id}.json"], path => files[Path.GetFileName(path)]);
            foreach (var part in parts) files.Remove(part);
        }

        Assert.Empty(files);
    }

    /// <summary>The cases written by hand.</summary>
    public static IEnumerable<CorpusCase> Handwritten()
    {
        var files = Read(Find("handwritten.tar.gz")).ToDictionary(f => f.Name, f => f.Text);
        return files.Where(f => f.Key.StartsWith("tests/", StringComparison.Ordinal) && f.Key.EndsWith(".json", StringComparison.Ordinal))
            .Select(f => CorpusCase.Create(f.Key, f.Value, path => files[path]));
    }

    private static IEnumerable<(string Name, string Text)> Read(string archive)
    {
        using var packed = File.OpenRead(archive);
        using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using var tar = new TarReader(unpacked);
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null || entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
            using var reader = new StreamReader(entry.DataStream);
            yield return (entry.Name, reader.ReadToEnd());
        }
    }

    // The folder that the variable names, else shared/cedar in or beside a folder above the tests.
    private static string Find(string archive)
    {
        var candidates = new List<string>();
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder) candidates.Add(folder);
        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent) candidates.Add(Path.Combine(above.FullName, "shared", "cedar"));
        var found = candidates.Select(c => Path.Combine(c, archive)).FirstOrDefault(File.Exists);
        if (found is null) Assert.Skip($"{archive} is not here; {Variable} names the folder that holds it");
        return found;
    }
}
