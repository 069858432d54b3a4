using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// A configuration file that was read once: the digest is over the same bytes that were parsed. <see cref="TrustDigest"/>
/// also covers the certificate files it names, since the agent may be able to write those. <see cref="CaPem"/> holds
/// the certificates themselves.
/// </summary>
public sealed record LoadedConfiguration(string Path, string Sha256, MoatConfiguration Configuration)
{
    /// <summary>Lower-case hexadecimal; equal to <see cref="Sha256"/> when the file names no certificate file.</summary>
    public required string TrustDigest { get; init; }

    public required System.Collections.Immutable.ImmutableArray<string> CaPem { get; init; }

    /// <summary>The folder that relative certificate paths start from.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path) ?? "/";
}

/// <summary>Finds, reads and parses <c>moat.yaml</c>, then <c>agent.yaml</c>.</summary>
public static class ConfigurationLoader
{
    /// <summary>A configuration file has at most this many bytes.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Loads a file, or the file of a workspace folder; null when the folder has none.</summary>
    /// <exception cref="MoatException">The file cannot be read or has errors (all of them are in the text).</exception>
    public static LoadedConfiguration? Load(string workspaceOrFile) => throw new NotSupportedException(workspaceOrFile);

    /// <summary>Parses the bytes of a file; <paramref name="file"/> is the name that errors show.</summary>
    public static ConfigurationResult Parse(string file, ReadOnlySpan<byte> utf8) => throw new NotSupportedException(file + utf8.Length);
}
