using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Turns mounts as asked for into mounts of real host paths, and refuses those that would open the host.</summary>
internal sealed class MountResolver(MoatDirectories directories, string workspace)
{
    public ImmutableArray<MountSpec> Resolve(IEnumerable<MountRequest> requests)
    {
        var mounts = new List<MountSpec>();
        foreach (var request in requests)
        {
            var mount = Resolve(request);
            // The later source wins, as the flag does over the file.
            mounts.RemoveAll(m => m.Target == mount.Target);
            mounts.Add(mount);
        }
        if (Hidden() is { } hidden && !mounts.Any(m => m.Target == "/workspace")) mounts.Insert(0, hidden);
        return [.. mounts];
    }

    private MountSpec Resolve(MountRequest request)
    {
        var what = $"the mount of {Text.Printable(request.Source)} ({request.Origin})";
        var source = request.Source;
        if (source == "~" || source.StartsWith("~/", StringComparison.Ordinal)) source = directories.Home + source[1..];
        var full = Path.GetFullPath(source, workspace);
        if (Paths.Real(full) is not { } real) throw new MoatException($"{what} leads through links in a circle", "name the folder itself");
        if (!Path.Exists(real)) throw new MoatException($"{what} has no source: {Text.Printable(full)} does not exist", "create it, or check the path (relative paths start at the workspace)");
        // The agent can put a link into the workspace after the person approved the mount.
        if (Paths.Passes(full, workspace) && !Paths.IsWithin(real, workspace))
            throw new MoatException($"{what} leads out of the workspace, to {Text.Printable(real)}", "if that is meant, name that path itself");
        if (real == workspace && Hidden() is { } hidden)
            return new MountSpec(real, request.Target, request.ReadOnly, [.. request.Excludes.Union(hidden.Excludes)]);
        if (!Paths.IsWithin(real, workspace) || HoldsOwn(real))
        {
            if (HostFolders.Refusal(real, directories) is { } reason) throw new MoatException($"{what} is refused: {reason}", "mount a folder that holds only what the agent needs");
        }
        else if (BoundedFile.IsSocket(real)) throw new MoatException($"{what} is refused: it is a socket", "mount a folder that holds only what the agent needs");
        return new MountSpec(real, request.Target, request.ReadOnly, request.Excludes);
    }

    private bool HoldsOwn(string real) => directories.Own.Select(Paths.Real).OfType<string>().Any(own => Paths.IsWithin(own, real) || Paths.IsWithin(real, own));

    /// <summary>A workspace that holds Moat's own folders (a home folder) gets them hidden, or its agent could trust itself.</summary>
    private MountSpec? Hidden()
    {
        var own = directories.Own.Select(Paths.Real).OfType<string>().Where(folder => Paths.IsWithin(folder, workspace)).ToArray();
        if (own.Length == 0) return null;
        foreach (var folder in own) MoatDirectories.CreatePrivate(folder);
        return new MountSpec(workspace, "/workspace", false, [.. own.Select(folder => Path.GetRelativePath(workspace, folder))]);
    }
}
