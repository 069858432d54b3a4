using Moat.Configuration;
using Moat.Policy;
using Moat.Runs;
using Moat.Spec;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

/// <summary>The Cedar policy of a run, from the command line to the spec.</summary>
internal static class RunPolicy
{
    /// <summary>Reads the file of <c>--policy</c>; null without one.</summary>
    /// <exception cref="MoatException">It cannot be read, or the agent could have written it.</exception>
    public static PolicySpec? Read(string? path, string workspace)
    {
        if (path is null) return null;
        var full = Path.GetFullPath(path);
        var text = PolicyFiles.Read(full);
        if (!PolicyFiles.IsOutside(full, workspace))
            throw new MoatException($"the policy {Printable.Text(path)} lies in the workspace, where the agent can write it", "name it in moat.yaml (policy: FILE), where each change asks for trust, or keep it elsewhere");
        return new PolicySpec(Path.GetFileName(full), text, PolicyMode.Enforce);
    }

    /// <summary>Where the spec's policy can be read again: a file that the agent cannot write. Null for any other, and without a policy.</summary>
    /// <param name="option">The file of <c>--policy</c>, or null.</param>
    /// <param name="configuration">The configuration, which may name a policy.</param>
    /// <param name="spec">The run, whose workspace and mounts the agent can write.</param>
    public static PolicySource? Source(string? option, LoadedConfiguration? configuration, RunSpec spec)
    {
        var named = option ?? (configuration?.Configuration.Policy is { } policy ? Path.GetFullPath(policy, Path.GetDirectoryName(configuration.Path) ?? "/") : null);
        if (named is null || spec.Policy is null) return null;
        var path = Path.GetFullPath(named);
        if (!IsOutOfReach(path, spec)) return null;
        return new PolicySource(path, () => IsOutOfReach(path, spec)
            ? PolicyFiles.Read(path)
            : throw new MoatException("the policy's path leads to where the agent can write", "keep the policy elsewhere"));
    }

    private static bool IsOutOfReach(string path, RunSpec spec) => PolicyFiles.IsOutside(path, spec.Workspace.HostPath)
        && spec.Mounts.All(mount => mount.ReadOnly || PolicyFiles.IsOutside(path, mount.Source));

    /// <summary>The mode of <c>--policy-mode</c>; null without one.</summary>
    public static PolicyMode? Mode(string? word)
    {
        if (word is null) return null;
        return PolicyModes.TryParse(word, out var mode) ? mode : throw new MoatException($"--policy-mode {Printable.Text(word)} is none", "write " + PolicyModes.Words);
    }

    /// <summary>The spec with a policy that can be enforced. Where no network rules were written, the policy alone decides on the network.</summary>
    public static RunSpec Apply(RunSpec spec, bool hasNetwork)
    {
        if (spec.Policy is not { } policy) return spec;
        PolicyStart.Compile(spec);
        return hasNetwork || !PolicyStart.GovernsNetwork(policy) ? spec : spec with { Network = spec.Network with { Mode = NetworkMode.Permissive } };
    }
}
