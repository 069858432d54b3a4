using Moat.Audit;

namespace Moat.Runs;

/// <summary>The key that signs the audit logs of this person's runs on this machine.</summary>
public static class AuditKeys
{
    private const string Origin = "moat/run/";

    /// <summary>Loads the key, or makes it at the first run.</summary>
    /// <exception cref="Moat.Spec.MoatException">The key file is open to others or no key.</exception>
    public static AuditKey LoadOrCreate(string dataDirectory)
    {
        var path = PathOf(dataDirectory);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(dataDirectory, RunFolder.Private);
            // Written aside and moved, so that a second first run never reads half a key.
            var next = $"{path}.{Environment.ProcessId}";
            using var made = AuditKey.Generate();
            made.Save(next);
            try
            {
                File.Move(next, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                File.Delete(next);
            }
        }

        return AuditKey.Load(path);
    }

    /// <summary>How a run's audit log is named in its checkpoints.</summary>
    public static string OriginOf(string id) => Origin + id;

    /// <summary>The public half, to pin a verification to; null before the first run.</summary>
    public static AuditPublicKey? Public(string dataDirectory)
    {
        if (!File.Exists(PathOf(dataDirectory))) return null;
        using var key = AuditKey.Load(PathOf(dataDirectory));
        return key.PublicKey;
    }

    private static string PathOf(string dataDirectory) => Path.Combine(dataDirectory, "audit.key");
}
