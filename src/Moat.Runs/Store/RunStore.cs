using Moat.Spec;

namespace Moat.Runs;

/// <summary>A run that was found: its folder and its state at that moment.</summary>
public sealed record RunEntry(RunFolder Folder, RunState State);

/// <summary>All runs of this person: <c>runs/&lt;id&gt;</c> under the state folder.</summary>
public sealed class RunStore
{
    internal const string WitnessFolder = "witness";

    private readonly string _state;
    private readonly string _runs;

    /// <param name="stateDirectory">Moat's state folder (host path); made when the first run is.</param>
    public RunStore(string stateDirectory)
    {
        _state = Path.GetFullPath(stateDirectory);
        _runs = Path.Combine(_state, "runs");
    }

    /// <summary>All runs, newest first. A folder that is no run is left out.</summary>
    public IReadOnlyList<RunEntry> List()
    {
        if (!Directory.Exists(_runs)) return [];
        var found = new List<RunEntry>();
        foreach (var path in Directory.EnumerateDirectories(_runs, "run_*"))
        {
            var folder = new RunFolder(path);
            if (!File.Exists(folder.StatePath)) continue;
            try
            {
                found.Add(new RunEntry(folder, folder.ReadState()));
            }
            catch (MoatException e)
            {
                // One broken folder must not hide the other runs.
                var created = new DateTimeOffset(Directory.GetCreationTimeUtc(path), TimeSpan.Zero);
                found.Add(new RunEntry(folder, new RunState { Id = Path.GetFileName(path), Name = "", Workspace = "", CreatedAt = created, State = RunPhase.Failed, Error = e.Message }));
            }
        }

        found.Sort((left, right) => right.State.CreatedAt.CompareTo(left.State.CreatedAt));
        return found;
    }

    /// <summary>Finds a run: exact ID, then ID prefix, then exact name. Of several runs of one name a live one wins.</summary>
    /// <exception cref="MoatException">There is none, or more than one.</exception>
    public RunEntry Resolve(string argument)
    {
        var matches = Matches(argument);
        var shown = Printable.Text(argument);
        if (matches.Count == 1) return matches[0];
        if (matches.Count == 0) throw new MoatException($"there is no run \"{shown}\"", "run `moat list` for the runs there are");
        var lines = matches.Select(entry => $"{entry.State.Id}  {Printable.Text(entry.State.Name)}  {PhaseText(entry.State.State)}");
        throw new MoatException($"\"{shown}\" means {matches.Count} runs:\n    {string.Join("\n    ", lines)}", "use the ID of one of them");
    }

    /// <summary>The newest run, for commands without an argument.</summary>
    /// <exception cref="MoatException">There is no run.</exception>
    public RunEntry Latest() => List() is [var newest, ..] ? newest
        : throw new MoatException("there is no run yet", "start one: moat run -- COMMAND");

    /// <summary>The folder of this very run, also where nothing is left of it but its witness.</summary>
    /// <param name="id">A run's ID.</param>
    public RunFolder FolderOf(string id) => new(Path.Combine(_runs, id));

    /// <summary>Every run that an argument may mean, by the order of <see cref="Resolve"/>.</summary>
    public IReadOnlyList<RunEntry> Matches(string argument)
    {
        var all = List();
        var exact = all.Where(entry => entry.State.Id == argument).ToArray();
        if (exact.Length > 0) return exact;
        var prefix = all.Where(entry => argument.Length > 0 && IsIdPrefix(argument) && entry.State.Id.StartsWith(argument, StringComparison.Ordinal)).ToArray();
        if (prefix.Length > 0) return prefix;
        var named = all.Where(entry => entry.State.Name == argument).ToArray();
        var live = named.Where(entry => entry.State.IsLive).ToArray();
        return live.Length > 0 ? live : named;
    }

    /// <summary>Lower-case word for a phase, as listings show it.</summary>
    public static string PhaseText(RunPhase phase) => phase switch
    {
        RunPhase.Created => "created",
        RunPhase.Running => "running",
        RunPhase.Stopped => "stopped",
        RunPhase.Failed => "failed",
        _ => "interrupted",
    };

    /// <summary>
    /// Makes the folder of a run and takes what only one run may have: its name and its workspace.
    /// </summary>
    /// <exception cref="MoatException">The name or the workspace is in use, or the folder cannot be made.</exception>
    internal RunClaim Create(RunSpec spec)
    {
        PrivateFolder(_state);
        PrivateFolder(_runs);
        PrivateFolder(Path.Combine(_state, WitnessFolder));
        var names = PrivateFolder(Path.Combine(_state, "names"));
        var workspaces = PrivateFolder(Path.Combine(_state, "workspaces"));
        var held = new List<LockFile>();
        var next = Path.Combine(_runs, ".new-" + spec.Id);
        try
        {
            held.Add(Take(Path.Combine(names, Key(spec.Name)), spec.Id,
                other => new MoatException($"the name \"{Printable.Text(spec.Name)}\" is in use by the running {other}", "choose another: moat run --name NAME, or end that run: moat stop " + other)));
            held.Add(Take(Path.Combine(workspaces, Key(spec.Workspace.HostPath)), spec.Id,
                other => new MoatException($"{Printable.Text(spec.Workspace.HostPath)} is the workspace of the running {other}; two agents would overwrite each other's work", $"end that run (moat stop {other}), or give this one its own copy: git worktree add ../copy && moat run ../copy")));
            Directory.CreateDirectory(next, RunFolder.Private);
            var prepared = new RunFolder(next);
            held.Add(LockFile.TryTake(prepared.LockPath, spec.Id) ?? throw new MoatException($"the run folder {next} is in use", "try again"));
            var serialized = RunSpecJson.Serialize(spec);
            AtomicFile.Write(prepared.SpecPath, serialized);
            var state = new RunState
            {
                Id = spec.Id,
                Name = spec.Name,
                Agent = spec.Agent,
                Workspace = spec.Workspace.HostPath,
                Command = spec.Command,
                Grants = [.. spec.Grants.Select(grant => grant.Name)],
                CreatedAt = spec.CreatedAt,
                SupervisorPid = Environment.ProcessId,
            };
            prepared.WriteState(state);
            // Visible only when whole and locked: no listing ever sees half a run.
            Directory.Move(next, Path.Combine(_runs, spec.Id));
            return new RunClaim(new RunFolder(Path.Combine(_runs, spec.Id)), state, RunSpecJson.Digest(serialized), held);
        }
        catch (Exception e)
        {
            foreach (var one in held) one.Dispose();
            if (Directory.Exists(next)) Directory.Delete(next, recursive: true);
            if (e is IOException or UnauthorizedAccessException)
                throw new MoatException($"the folder of the run cannot be made: {e.Message}", $"check the free space and the owner of {_state}", inner: e);
            throw;
        }
    }

    /// <summary>Removes a run that is over.</summary>
    /// <exception cref="MoatException">It is live.</exception>
    public static void Remove(RunEntry entry)
    {
        using var claim = LockFile.TryTake(entry.Folder.LockPath, "removal")
            ?? throw new MoatException($"{entry.State.Id} is running", $"stop it first: moat stop {entry.State.Id}");
        Directory.Delete(entry.Folder.Root, recursive: true);
        File.Delete(entry.Folder.WitnessPath);
    }

    private static LockFile Take(string path, string holder, Func<string, MoatException> refuse) =>
        LockFile.TryTake(path, holder) ?? throw refuse(LockFile.Holder(path) is { Length: > 0 } other ? other : "run");

    private static string PrivateFolder(string path) => Directory.CreateDirectory(path, RunFolder.Private).FullName;

    private static string Key(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..32] + ".lock";

    private static bool IsIdPrefix(string text) => text.StartsWith("run_", StringComparison.Ordinal) || "run_".StartsWith(text, StringComparison.Ordinal);
}

/// <summary>A new run of this process: its folder, and the locks that no other run may take until it is over.</summary>
internal sealed class RunClaim(RunFolder folder, RunState state, string specDigest, IReadOnlyList<LockFile> locks) : IDisposable
{
    public RunFolder Folder { get; } = folder;

    public RunState State { get; private set; } = state;

    public string SpecDigest { get; } = specDigest;

    public void Update(Func<RunState, RunState> change)
    {
        State = change(State);
        Folder.WriteState(State);
    }

    public void Dispose()
    {
        foreach (var one in locks) one.Dispose();
    }
}
