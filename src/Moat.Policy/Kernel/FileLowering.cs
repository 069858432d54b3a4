using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Lowers a policy over files and programs to <see cref="KernelRules"/>:
/// <code>
/// 1 every path that the policy names, and every area, parents first
///   ─► 2 what Cedar leaves there, beside what the rules so far give
///   ─► 3 more: a grant.  less: a mask, where a mount can say it.  anything else: the statement cannot be held
/// </code>
/// Cedar's answer about a path hangs on the named paths at and above it alone, so one look at each of them, and one at a
/// name below it that nobody named, stand for all paths there are.
/// </summary>
internal sealed class FileLowering
{
    private readonly FileDecisions decisions;
    private readonly FileView view;
    private readonly List<PolicyNote> problems = [];
    private readonly List<(string Path, FileRights Rights)> grants = [];
    private readonly List<FileMask> masks = [];
    private readonly SortedSet<string> pins = new(StringComparer.Ordinal);
    private readonly Dictionary<string, State> states = new(StringComparer.Ordinal);

    private FileLowering(FileDecisions decisions, FileView view)
    {
        this.decisions = decisions;
        this.view = view;
    }

    /// <returns>The rules, and what cannot be held by them; the rules mean nothing where there is such.</returns>
    public static (KernelRules Rules, ImmutableArray<PolicyNote> Problems) Run(PolicySet policies, FileDecisions decisions, FileView view)
    {
        var lowering = new FileLowering(decisions, view);
        foreach (var policy in policies.Policies) lowering.CheckNames(policy);
        if (decisions.Governed.Contains(FileDecisions.Exec) && !decisions.Allows(FileDecisions.Exec, "/memfd:\u0001"))
            lowering.Problem(FileDecisions.Exec, "/memfd:\u0001", "a program may be made in memory, without a name in any folder", "permit every program and forbid the ones that are meant");

        // 1
        var named = policies.Policies.SelectMany(static p => MentionedEntities.Of(p)).Where(static e => e.Type.Name is "File" or "Dir").Select(static e => e.Id).Where(FilePaths.IsCanonical);
        foreach (var path in view.Areas.Select(static a => a.Path).Concat(named).Distinct().Order(StringComparer.Ordinal)) lowering.Visit(path);
        lowering.CheckMounts();
        return (new KernelRules { Grants = [.. lowering.grants], Masks = [.. lowering.masks], Pins = [.. lowering.pins], Actions = decisions.Governed, RefusesExec = lowering.RefusesExec }, [.. lowering.problems.Distinct()]);
    }

    private Cedar.Policy? RefusesExec(string path)
    {
        lock (decisions)
        {
            if ((decisions.Of(path, view.AreaOf(path)) & FileRights.Execute) != 0) return null;
            return decisions.Blame(decisions.Allows(FileDecisions.Exec, path) ? FileDecisions.OpenReadOnly : FileDecisions.Exec, path);
        }
    }

    private void CheckNames(Cedar.Policy policy)
    {
        var actions = ActionScope.Of(policy).Intersect(decisions.Governed).ToArray();
        if (actions.Length == 0) return;
        foreach (var path in MentionedEntities.Of(policy).Where(static e => e.Type.Name is "File" or "Dir").Select(static e => e.Id))
        {
            if (!FilePaths.IsCanonical(path)) Add(policy, actions[0], $"{Printable.Text(path)} is no absolute path in its one spelling", "write it from / without dots and without a slash at its end");
            else if (view.Ambiguity(path) is { } other) Add(policy, actions[0], $"{Printable.Text(path)} {other}", "name the file itself");
        }
    }

    private void Visit(string path)
    {
        var area = view.AreaOf(path);
        var isArea = area.Path == path;
        var above = path == "/" ? default : states[FilePaths.Up(FilePaths.Parent(path)).First(states.ContainsKey)];
        var have = above.Rights(area);
        var kind = view.Kind(path);
        var writable = (area.Base & FileRights.Create) != 0 && !isArea;
        if (kind == PlaceKind.Absent)
        {
            // Nothing can come to be where nothing can be made; elsewhere the agent may make it, and then it is as what is around it.
            states[path] = above;
            if (!writable) return;
            foreach (var name in (string[])[path, Below(path)])
            {
                if (above.Mask is null) Demand(name, area, have);
                else if (decisions.Of(name, area) is var made && (made & FileRights.Create) != 0) Refuse(name, made, "it is a part of what is forbidden");
            }

            return;
        }

        // 2
        var asked = kind == PlaceKind.Folder ? Below(path) : path;
        var want = decisions.Of(asked, area);
        CheckWords(asked, area, want);
        var (lost, gained) = (have & ~want, want & ~have);

        // 3
        if (lost != 0)
        {
            bool hide = want == 0, close = (want & FileRights.Change) == 0 && gained == 0 && (lost & ~FileRights.Change) == 0;
            if (area.Fixed || !(hide || close))
            {
                Refuse(asked, lost, area.Fixed ? "it is a part of what the kernel shows, over which nothing can be mounted" : "only all of it, or all that changes it, can be taken from a part of what is allowed");
                states[path] = above;
                return;
            }

            if (view.OtherName(path) is { } other) Refuse(asked, lost, $"{Printable.Text(other)} may have another name elsewhere (a hard link)");
            masks.Add(new FileMask(path, hide));
            Pin(FilePaths.Parent(path), area);
            states[path] = above with { Mask = hide };
            return;
        }

        states[path] = above;
        if (gained != 0)
        {
            var moves = kind == PlaceKind.File && ((gained & (FileRights.Create | FileRights.Delete)) != 0 || (have & FileRights.Delete) != 0);
            if (above.Mask is not null || moves)
            {
                Refuse(asked, gained, moves ? "whether a file may be made, moved or taken away can be said of folders alone" : "it is a part of what is forbidden");
                return;
            }

            grants.Add((path, gained));
            if (writable) Pin(path, area);
            states[path] = above with { Granted = above.Granted | gained };
            return;
        }

        // Nothing keeps it as it is: the agent may put a file in a folder's place, and a folder in a file's.
        if (!writable || above.Mask is not null || (have & FileRights.Delete) == 0) return;
        Demand(path, area, have);
        Demand(Below(path), area, have);
    }

    // A mount brings all of its folder along and would cover what is mounted inside.
    private void CheckMounts()
    {
        foreach (var path in pins.Concat(masks.Where(static m => !m.Hidden).Select(static m => m.Path)))
        {
            if (view.Areas.Any(a => a.Path != path && FilePaths.Holds(path, a.Path))) Refuse(path, FileRights.Write, "another mount lies inside that folder");
        }
    }

    /// <summary>A name in the folder that no policy has.</summary>
    private static string Below(string path) => (path == "/" ? "" : path) + "/\u0001";

    /// <summary>Keeps the folders of an area down to the path where they are: a mount cannot be moved or taken away.</summary>
    private void Pin(string path, FileArea area)
    {
        foreach (var folder in FilePaths.Up(path).TakeWhile(folder => folder != area.Path && FilePaths.Holds(area.Path, folder)))
        {
            if ((area.Base & FileRights.Create) != 0) pins.Add(folder);
        }
    }

    private void Demand(string path, FileArea area, FileRights have)
    {
        var want = decisions.Of(path, area);
        CheckWords(path, area, want);
        if (want != have) Refuse(path, want ^ have, "it is not there yet, or may be replaced, and rules are about what is there when the run starts");
    }

    // What the rights of the kernel do not tell apart has to be the same in the policy.
    private void CheckWords(string path, FileArea area, FileRights want)
    {
        if ((want & FileRights.Read) != 0 && !decisions.Allows(FileDecisions.Exec, path))
            Problem(FileDecisions.Exec, path, "it may be read, so it can be run by the dynamic loader or an interpreter", "forbid FileOpen there as well");
        if ((want & FileRights.Create) != 0 && (want & FileRights.Delete) != 0 && (area.Base & FileRights.Create) != 0 && !decisions.Allows(FileDecisions.Rename, path))
            Problem(FileDecisions.Rename, path, "a name may be made and taken away there, which together is a rename", "forbid FileCreate or FileDelete there as well");
    }

    private void Refuse(string path, FileRights rights, string why)
    {
        var action = (rights & FileRights.Read) != 0 ? FileDecisions.OpenReadOnly
            : (rights & FileRights.Write) != 0 ? FileDecisions.OpenReadWrite
            : (rights & FileRights.Create) != 0 ? FileDecisions.Create
            : (rights & FileRights.Delete) != 0 ? FileDecisions.Delete
            : FileDecisions.Exec;
        if (!decisions.Governed.Contains(action)) action = decisions.Governed[^1];
        Problem(action, path, why, "say it of a folder or a file that is there, or of more actions");
    }

    private void Problem(string action, string path, string why, string help) =>
        Add(decisions.Blame(action, path), action, $"{action} of {Printable.Text(path.Replace("/\u0001", "/…", StringComparison.Ordinal))}: {why}", help);

    private void Add(Cedar.Policy policy, string action, string what, string help) => problems.Add(Note(policy, action, what, help));

    /// <summary>Says that a statement about an action cannot be held.</summary>
    public static PolicyNote Note(Cedar.Policy policy, string action, string what, string help)
    {
        var downgrade = action == FileDecisions.Exec ? "policy-exec" : "policy-files";
        return PolicyNote.At(PolicyNoteLevel.Error, Enforceability.Code, policy, policy.Span,
            $"the statement {policy.Id} cannot be held without BPF LSM: {what}", $"{help}; or accept that it does not hold: --downgrade {downgrade}", downgrade);
    }

    /// <summary>What the rules give at a path and below it. <paramref name="Mask"/>: true for hidden, false for read-only.</summary>
    private readonly record struct State(FileRights Granted, bool? Mask)
    {
        public FileRights Rights(FileArea area) => Mask switch
        {
            true => FileRights.None,
            false => Granted & area.Base & ~FileRights.Change,
            null => Granted & area.Base,
        };
    }
}
