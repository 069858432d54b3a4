using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Merges the command line, the file and the defaults into a <see cref="RunSpec"/>. Command line, then file, then default; grants, environment and mounts merge.</summary>
public sealed class RunSpecBuilder(MoatDirectories directories)
{
    /// <summary>The grants of both sources in order, each once.</summary>
    /// <exception cref="MoatException">A name is not a grant's.</exception>
    public static ImmutableArray<string> Grants(RunRequest request, LoadedConfiguration? file) => throw new NotSupportedException();

    /// <summary>Builds the spec. <paramref name="registryRules"/> are left out when the file says <c>registries: false</c>.</summary>
    /// <exception cref="MoatException">Something asked for is wrong or refused.</exception>
    public RunSpec Build(RunRequest request, LoadedConfiguration? file, IReadOnlyList<HostRuleSpec> grantRules, IReadOnlyList<HostRuleSpec> registryRules) => throw new NotSupportedException(directories.Home);
}
