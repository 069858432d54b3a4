using Moat.Configuration;
using Moat.Policy;
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
