using System.Text.Json;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>The files of one run, all readable by their owner alone.</summary>
public sealed class RunFolder
{
    internal const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    internal const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    internal RunFolder(string path) => Root = path;

    public string Root { get; }

    public string SpecPath => Path.Combine(Root, "spec.json");

    public string StatePath => Path.Combine(Root, "state.json");

    public string LogPath => Path.Combine(Root, "logs.jsonl");

    public string AuditPath => Path.Combine(Root, "audit.jsonl");

    /// <summary>The audit log's latest checkpoint, apart from the log (<c>witness/&lt;id&gt;</c> under the state folder).</summary>
    public string WitnessPath => Path.GetFullPath(Path.Combine(Root, "..", "..", RunStore.WitnessFolder, Path.GetFileName(Root)));

    /// <summary>The witness; null where there is none or it cannot be read.</summary>
    public string? ReadWitness()
    {
        try
        {
            // A power cut may leave an empty file.
            return File.ReadAllText(WitnessPath) is { Length: > 0 } note ? note : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What the sandbox keeps on the host while it runs.</summary>
    public string SandboxPath => Path.Combine(Root, "sandbox");

    internal string LockPath => Path.Combine(Root, "lock");

    internal string SocketPath => Path.Combine(Root, "control.sock");

    /// <summary>The state; a run whose supervisor is gone without having said so is interrupted.</summary>
    /// <exception cref="MoatException">The state cannot be read.</exception>
    public RunState ReadState()
    {
        // The lock is looked at first: a supervisor that ends between the two looks has written its last state by then.
        var held = LockFile.IsHeld(LockPath);
        RunState state;
        try
        {
            state = RunStateContext.Read(File.ReadAllBytes(StatePath));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"the state of the run in {Root} cannot be read", "remove that folder if the run is of no use any more", inner: e);
        }

        return state.IsLive && !held ? state with { State = RunPhase.Interrupted } : state;
    }

    /// <exception cref="MoatException">The spec cannot be read.</exception>
    public RunSpec ReadSpec()
    {
        try
        {
            return RunSpecJson.Deserialize(File.ReadAllBytes(SpecPath));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"the spec of the run in {Root} cannot be read", "remove that folder if the run is of no use any more", inner: e);
        }
    }

    internal void WriteState(RunState state) => AtomicFile.Write(StatePath, RunStateContext.Write(state));
}
