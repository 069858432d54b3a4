using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Moat.Spec;

/// <summary>
/// Everything a run is, resolved from every source of configuration: immutable, serialisable, with no default left to
/// fill in later. A backend, the gateway and the audit chain get this and need nothing else. Its digest
/// (<see cref="RunSpecJson.Digest"/>) is the first record of the audit chain.
/// </summary>
public sealed record RunSpec
{
    /// <summary>Format version of the stored form; 1.</summary>
    public int Version { get; init; } = 1;

    /// <summary><c>run_</c> and 12 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Name the person gave or one made from the workspace; unique among running runs.</summary>
    public required string Name { get; init; }

    /// <summary>Agent preset or empty for a plain command.</summary>
    public string Agent { get; init; } = "";

    /// <summary>Command and arguments, at least one.</summary>
    public required ImmutableArray<string> Command { get; init; }

    /// <summary>True: the agent gets a pseudo-terminal; false: pipes.</summary>
    public required bool Interactive { get; init; }

    public required WorkspaceSpec Workspace { get; init; }

    /// <summary>Extra bind mounts, in order, after the workspace.</summary>
    public ImmutableArray<MountSpec> Mounts { get; init; } = [];

    /// <summary>Variables asked for by the person or the configuration; placeholders of grants are added by the supervisor.</summary>
    public ImmutableSortedDictionary<string, string> Env { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public required NetworkSpec Network { get; init; }

    /// <summary>The Cedar policy that decides beside <see cref="Network"/>; null without one.</summary>
    public PolicySpec? Policy { get; init; }

    public ImmutableArray<GrantSpec> Grants { get; init; } = [];

    public ImmutableArray<SecretSpec> Secrets { get; init; } = [];

    public LimitsSpec Limits { get; init; } = new();

    /// <summary>Credential profile; empty is the default profile.</summary>
    public string Profile { get; init; } = "";

    /// <summary>Protections the person gave up by name for this run (for example <c>landlock</c>); recorded in the audit.</summary>
    public ImmutableArray<string> Downgrades { get; init; } = [];

    /// <summary>Path of the configuration file this came from, or empty; and its SHA-256 in lower-case hexadecimal.</summary>
    public string ConfigPath { get; init; } = "";

    public string ConfigDigest { get; init; } = "";

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The workspace: an absolute host path with symlinks resolved, and where the agent sees it.</summary>
public sealed record WorkspaceSpec(string HostPath, string Target = "/workspace");

/// <summary>A bind mount. <paramref name="Excludes"/> are paths relative to the target, hidden under an empty tmpfs.</summary>
public sealed record MountSpec(string Source, string Target, bool ReadOnly, ImmutableArray<string> Excludes);

/// <summary>A grant by its name as the person typed it (<c>github</c>, <c>mcp:context7</c>).</summary>
public sealed record GrantSpec(string Name)
{
    /// <summary>What the run may use it for (<c>GET /repos/**</c>, <c>read-only</c>); empty: for all that it is stored for.</summary>
    public ImmutableArray<string> Allow { get; init; } = [];
}

[JsonConverter(typeof(KebabCaseEnum<PolicyMode>))]
public enum PolicyMode
{
    /// <summary>What the policy does not permit is denied.</summary>
    Enforce,

    /// <summary>What the policy would deny is recorded as such and goes out.</summary>
    Shadow,

    /// <summary>The policy is not asked; what happens is recorded, as always.</summary>
    Record,
}

/// <summary>A Cedar policy as it was read. <paramref name="Name"/> is the file's name, for people.</summary>
public sealed record PolicySpec(string Name, string Text, PolicyMode Mode);

/// <summary>Limits; zero means none asked for. Memory in MiB, CPUs as a number of cores.</summary>
public sealed record LimitsSpec
{
    public long MemoryMiB { get; init; }

    public double Cpus { get; init; }

    /// <summary>Processes and threads.</summary>
    public int Processes { get; init; } = 4096;

    /// <summary>Open files a process (RLIMIT_NOFILE, hard).</summary>
    public int OpenFiles { get; init; } = 65536;

    /// <summary>Other resource limits by name (<c>core</c>, <c>stack</c> …), soft and hard.</summary>
    public ImmutableSortedDictionary<string, UlimitSpec> Ulimits { get; init; } = ImmutableSortedDictionary<string, UlimitSpec>.Empty;
}

public sealed record UlimitSpec(long Soft, long Hard);
