using System.Text;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Reads policy files.</summary>
public static class PolicyFiles
{
    /// <summary>The text of a policy file and the digest of its bytes; null when there is no such file.</summary>
    /// <exception cref="MoatException">It cannot be read, is larger than 1 MiB or is not UTF-8.</exception>
    internal static string? TryRead(string path, out byte[] sha256)
    {
        sha256 = [];
        if (BoundedFile.Read(path, ConfigurationLoader.MaxBytes) is not { } bytes) return null;
        if (bytes.Length > ConfigurationLoader.MaxBytes)
            throw new MoatException($"the policy {Text.Printable(path)} is larger than {ConfigurationLoader.MaxBytes / 1024} KiB", "make it smaller");
        sha256 = System.Security.Cryptography.SHA256.HashData(bytes);
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new MoatException($"the policy {Text.Printable(path)} is not UTF-8", "save it as UTF-8");
        }
    }

    /// <summary>The text of a policy file.</summary>
    /// <exception cref="MoatException">There is none, or it cannot be read, is larger than 1 MiB or is not UTF-8.</exception>
    public static string Read(string path) =>
        TryRead(path, out _) ?? throw new MoatException($"there is no policy {Text.Printable(path)}", "check the path");

    /// <summary>True when the file and every link on the way to it lie outside of the workspace, where the agent cannot write.</summary>
    public static bool IsOutside(string path, string workspace) => !Paths.Passes(path, Paths.Real(workspace) ?? Path.GetFullPath(workspace));
}
