using System.Collections.Immutable;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>An approved configuration: the workspace's real path, the content's digest, when.</summary>
public sealed record TrustEntry(string Workspace, string Digest, DateTimeOffset At);

/// <summary>
/// Which workspaces' configurations the person approved, by content (<c>trust.json</c> in the data folder). The agent
/// can write the file in the workspace, so a changed byte asks again.
/// </summary>
public sealed class TrustStore(string dataDirectory)
{
    private const int MaxBytes = 16 << 20;
    private readonly string _path = Path.Combine(dataDirectory, "trust.json");

    /// <summary>
    /// True when this very content was approved for this workspace, or when the file and every link on the way to it
    /// lie outside of the workspace, where the agent cannot write: then it is the person's own.
    /// </summary>
    /// <exception cref="MoatException">The store cannot be read.</exception>
    public bool IsTrusted(LoadedConfiguration file, string workspace)
    {
        ArgumentNullException.ThrowIfNull(file);
        var real = RealWorkspace(workspace);
        return IsOwn(file, real) || Read().Any(e => e.Workspace == real && e.Digest == file.TrustDigest);
    }

    /// <summary>Remembers the content; earlier contents of the workspace stay approved until revoked.</summary>
    /// <exception cref="MoatException">The store cannot be read or written.</exception>
    public void Trust(LoadedConfiguration file, string workspace)
    {
        ArgumentNullException.ThrowIfNull(file);
        var entry = new TrustEntry(RealWorkspace(workspace), file.TrustDigest, DateTimeOffset.UtcNow);
        Change(all => all.RemoveAll(e => e.Workspace == entry.Workspace && e.Digest == entry.Digest).Add(entry));
    }

    /// <summary>Forgets every approval of a workspace; false when there was none.</summary>
    /// <exception cref="MoatException">The store cannot be read or written.</exception>
    public bool Revoke(string workspace)
    {
        var real = RealWorkspace(workspace);
        var before = 0;
        var after = 0;
        Change(all =>
        {
            before = all.Length;
            var left = all.RemoveAll(e => e.Workspace == real);
            after = left.Length;
            return left;
        });
        return after < before;
    }

    /// <summary>All approvals, by workspace, then time.</summary>
    /// <exception cref="MoatException">The store cannot be read.</exception>
    public ImmutableArray<TrustEntry> List() => [.. Read().OrderBy(e => e.Workspace, StringComparer.Ordinal).ThenBy(e => e.At)];

    // Every certificate file and the policy count too: a file outside that names one inside is not the person's alone.
    private static bool IsOwn(LoadedConfiguration file, string workspace)
    {
        string[] parts = [file.Path, .. (file.Configuration.Network?.Ca ?? []).Where(ca => !ca.Contains("-----BEGIN", StringComparison.Ordinal)).Select(ca => Path.GetFullPath(ca, file.Folder)), .. file.Configuration.Policy is { } policy ? [Path.GetFullPath(policy, file.Folder)] : (string[])[]];
        return !parts.Any(part => Paths.Passes(part, workspace));
    }

    private static string RealWorkspace(string workspace) => Paths.Real(workspace) ?? Path.GetFullPath(workspace);

    private void Change(Func<ImmutableArray<TrustEntry>, ImmutableArray<TrustEntry>> change)
    {
        MoatDirectories.CreatePrivate(dataDirectory);
        // Held over read and write, so that two processes lose neither's entry; the lock file itself stays.
        using var held = FileLock.Take(_path + ".lock");
        AtomicFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(new StoredTrust(1, change(Read())), ConfigurationJson.Default.StoredTrust));
    }

    private ImmutableArray<TrustEntry> Read()
    {
        if (BoundedFile.Read(_path, MaxBytes) is not { } bytes) return [];
        try
        {
            if (JsonSerializer.Deserialize(bytes, ConfigurationJson.Default.StoredTrust) is { Version: 1, Entries.IsDefault: false } stored) return stored.Entries;
        }
        catch (JsonException)
        {
            // Told below: a store that cannot be read trusts nothing and is not written over.
        }
        throw new MoatException($"{_path} is damaged or of another version of Moat", "move it away; Moat will ask again for each workspace");
    }
}

internal sealed record StoredTrust(int Version, ImmutableArray<TrustEntry> Entries);
