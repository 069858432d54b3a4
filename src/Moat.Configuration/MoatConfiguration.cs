using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>What a moat.yaml says, checked; nothing is resolved against a workspace yet. Absent keys are null or empty.</summary>
public sealed record MoatConfiguration
{
    public string? Name { get; init; }

    /// <summary>The file's own version label; Moat gives it no meaning.</summary>
    public string? Version { get; init; }

    public ImmutableArray<GrantSpec> Grants { get; init; } = [];

    public ImmutableArray<SecretSpec> Secrets { get; init; } = [];

    public ImmutableSortedDictionary<string, string> Env { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public ImmutableArray<MountRequest> Mounts { get; init; } = [];

    public NetworkConfiguration? Network { get; init; }

    /// <summary>The Cedar policy's path, relative to the file's folder.</summary>
    public string? Policy { get; init; }

    public PolicyMode? PolicyMode { get; init; }

    public ImmutableArray<string> Command { get; init; } = [];

    public bool? Interactive { get; init; }

    public ContainerConfiguration Container { get; init; } = new();

    public ImmutableArray<string> Downgrades { get; init; } = [];
}

/// <summary>A mount as somebody asked for it. <paramref name="Origin"/> is <c>--mount</c> or <c>moat.yaml:12</c>.</summary>
public sealed record MountRequest(string Source, string Target, bool ReadOnly, ImmutableArray<string> Excludes, string Origin);

/// <summary>The <c>network:</c> section.</summary>
public sealed record NetworkConfiguration
{
    public NetworkMode Mode { get; init; } = NetworkMode.Strict;

    public ImmutableArray<HostRuleSpec> Rules { get; init; } = [];

    public ImmutableArray<int> HostPorts { get; init; } = [];

    /// <summary>Inline PEM text, or a path relative to the file's folder.</summary>
    public ImmutableArray<string> Ca { get; init; } = [];

    public ImmutableSortedDictionary<string, string> Resolve { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>False: the registries of the person's own package clients are not opened.</summary>
    public bool Registries { get; init; } = true;
}

/// <summary>The <c>container:</c> section; zero means none asked for. Memory in MiB.</summary>
public sealed record ContainerConfiguration
{
    public long MemoryMiB { get; init; }

    public double Cpus { get; init; }

    public ImmutableSortedDictionary<string, UlimitSpec> Ulimits { get; init; } = ImmutableSortedDictionary<string, UlimitSpec>.Empty;
}
