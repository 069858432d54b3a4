using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>Where a run stands.</summary>
[JsonConverter(typeof(KebabCaseEnum<RunPhase>))]
public enum RunPhase
{
    /// <summary>The folder exists; the sandbox is not up yet.</summary>
    Created,

    /// <summary>The agent runs.</summary>
    Running,

    /// <summary>The agent ended by itself or on request; there is an exit code.</summary>
    Stopped,

    /// <summary>Moat could not start the run, or had to end it; there is an error.</summary>
    Failed,

    /// <summary>The supervisor died without a word (killed, power cut). Never stored: it follows from the lock.</summary>
    Interrupted,
}

/// <summary>What a listing says of a run: the content of <c>state.json</c>.</summary>
public sealed record RunState
{
    /// <summary><c>run_</c> and 12 hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required string Name { get; init; }

    public RunPhase State { get; init; }

    public string Agent { get; init; } = "";

    /// <summary>Host path of the workspace.</summary>
    public required string Workspace { get; init; }

    public ImmutableArray<string> Command { get; init; } = [];

    public ImmutableArray<string> Grants { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>0 to 255; null until the agent ended.</summary>
    public int? ExitCode { get; init; }

    public string? Error { get; init; }

    /// <summary>Process number of the supervisor. For people; the lock says whether it lives.</summary>
    public int SupervisorPid { get; init; }

    /// <summary>What was enforced, as the sandbox reported it.</summary>
    public ImmutableArray<string> Protections { get; init; } = [];

    /// <summary>Whether a supervisor still works on the run.</summary>
    [JsonIgnore]
    public bool IsLive => State is RunPhase.Created or RunPhase.Running;
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RunState))]
internal sealed partial class RunStateContext : JsonSerializerContext
{
    public static RunState Read(ReadOnlySpan<byte> utf8) =>
        JsonSerializer.Deserialize(utf8, Default.RunState) ?? throw new JsonException("the state of the run is null");

    public static byte[] Write(RunState state) => JsonSerializer.SerializeToUtf8Bytes(state, Default.RunState);
}
