using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>What the command line asks for, as typed. Null and empty mean that the flag was not given.</summary>
public sealed record RunRequest
{
    /// <summary>The workspace argument; relative to the current folder.</summary>
    public string WorkspacePath { get; init; } = ".";

    /// <summary>The words after <c>--</c>.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary><c>--grant</c>; each may hold several names with commas.</summary>
    public ImmutableArray<string> Grants { get; init; } = [];

    /// <summary><c>--secret</c>, read by <see cref="SecretText.Parse"/>; each takes the place of the file's of the same name.</summary>
    public ImmutableArray<SecretSpec> Secrets { get; init; } = [];

    /// <summary><c>-e K=V</c>; <c>-e K</c> takes the value of this process' environment.</summary>
    public ImmutableArray<string> Env { get; init; } = [];

    /// <summary><c>--mount src:dst[:ro|rw]</c>.</summary>
    public ImmutableArray<string> Mounts { get; init; } = [];

    public string? Name { get; init; }

    /// <summary><c>--config</c>: the file to load in place of the workspace's.</summary>
    public string? ConfigFile { get; init; }

    /// <summary><c>--allow-host host[:port]</c>.</summary>
    public ImmutableArray<string> AllowHosts { get; init; } = [];

    /// <summary><c>--policy</c>, as read; null: the file's.</summary>
    public PolicySpec? Policy { get; init; }

    /// <summary><c>--policy-mode</c>; null: the file decides, else enforce.</summary>
    public PolicyMode? PolicyMode { get; init; }

    /// <summary>True for <c>-i</c>; null: the file decides, else pipes.</summary>
    public bool? Interactive { get; init; }

    public string Profile { get; init; } = "";

    public ImmutableArray<string> Downgrades { get; init; } = [];
}
