using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// A configuration file that was read once: the digest is over the same bytes that were parsed. <see cref="TrustDigest"/>
/// also covers the certificate files and the policy it names, since the agent may be able to write those. <see cref="CaPem"/> holds
/// the certificates themselves.
/// </summary>
public sealed record LoadedConfiguration(string Path, string Sha256, MoatConfiguration Configuration)
{
    /// <summary>Lower-case hexadecimal; equal to <see cref="Sha256"/> when the file names no other.</summary>
    public required string TrustDigest { get; init; }

    public required ImmutableArray<string> CaPem { get; init; }

    /// <summary>The text of the Cedar policy that the file names; null when it names none.</summary>
    public string? PolicyText { get; init; }

    /// <summary>The folder that relative certificate paths start from.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path) ?? "/";
}

/// <summary>Finds, reads and parses <c>moat.yaml</c>, then <c>agent.yaml</c>.</summary>
public static class ConfigurationLoader
{
    /// <summary>A configuration file has at most this many bytes, and so has each certificate file.</summary>
    public const int MaxBytes = 1 << 20;

    private static readonly string[] s_names = ["moat.yaml", "agent.yaml"];

    /// <summary>Loads a file, or the file of a workspace folder; null when the folder has none.</summary>
    /// <exception cref="MoatException">The file cannot be read or has errors (all of them are in the text).</exception>
    public static LoadedConfiguration? Load(string workspaceOrFile)
    {
        var path = Path.GetFullPath(workspaceOrFile);
        if (!Directory.Exists(path))
            return Read(path) ?? throw new MoatException($"there is no file {Text.Printable(path)}", "check the path");
        return s_names.Select(name => Read(Path.Combine(path, name))).FirstOrDefault(file => file is not null);
    }

    /// <summary>Parses the bytes of a file; <paramref name="file"/> is the name that errors show.</summary>
    public static ConfigurationResult Parse(string file, ReadOnlySpan<byte> utf8) => ConfigurationParser.Parse(file, utf8);

    private static LoadedConfiguration? Read(string path)
    {
        if (BoundedFile.Read(path, MaxBytes) is not { } bytes) return null;
        var configuration = Parse(path, bytes).OrThrow();
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        using var trust = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        trust.AppendData(Encoding.ASCII.GetBytes(sha256));
        var anchors = ImmutableArray.CreateBuilder<string>();
        var files = 0;
        foreach (var entry in configuration.Network?.Ca ?? [])
        {
            var text = entry;
            if (!entry.Contains("-----BEGIN", StringComparison.Ordinal))
            {
                var bundle = ReadAnchors(path, entry);
                trust.AppendData(SHA256.HashData(bundle));
                files++;
                text = Encoding.UTF8.GetString(bundle);
            }
            if (!Certificates.TryParse(text, out var pem, out var problem))
                throw new MoatException($"{path}: network.ca {Text.Printable(entry)}: {problem}", "name a file with PEM certificates");
            anchors.Add(pem);
        }
        string? policy = null;
        if (configuration.Policy is { } named)
        {
            policy = PolicyFiles.TryRead(Path.GetFullPath(named, Path.GetDirectoryName(path) ?? "/"), out var digest)
                ?? throw new MoatException($"{path}: policy {Text.Printable(named)}: there is no such file", "the path starts at the folder of the file; check it");
            trust.AppendData(digest);
            files++;
        }
        return new LoadedConfiguration(path, sha256, configuration)
        {
            TrustDigest = files == 0 ? sha256 : Convert.ToHexStringLower(trust.GetHashAndReset()),
            CaPem = anchors.ToImmutable(),
            PolicyText = policy,
        };
    }

    private static byte[] ReadAnchors(string file, string entry)
    {
        var bytes = BoundedFile.Read(Path.GetFullPath(entry, Path.GetDirectoryName(file) ?? "/"), MaxBytes);
        if (bytes is null) throw new MoatException($"{file}: network.ca {Text.Printable(entry)}: there is no such file", "the path starts at the folder of the file; check it");
        if (bytes.Length > MaxBytes) throw new MoatException($"{file}: network.ca {Text.Printable(entry)}: the file is larger than {MaxBytes / 1024} KiB", "name a smaller bundle");
        return bytes;
    }
}
