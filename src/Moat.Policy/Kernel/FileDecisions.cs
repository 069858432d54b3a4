using System.Collections.Frozen;
using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Cedar's answers about files and programs for one run. An action of which no statement speaks is not decided: it is
/// allowed as far as the policy goes. A <c>File</c> is in the <c>Dir</c> of its own path and of each folder above it.
/// </summary>
internal sealed class FileDecisions
{
    public const string OpenReadOnly = "FileOpenReadOnly", OpenReadWrite = "FileOpenReadWrite", Create = "FileCreate", Delete = "FileDelete", Rename = "FileRename", Exec = "ProcessExec";

    private static readonly EntityType FileType = new("File");
    private static readonly EntityType DirType = new("Dir");
    private readonly Authorizer authorizer;
    private readonly PolicySet policies;
    private readonly EntityUid run;
    private readonly EntityStore store;
    private readonly FrozenSet<string> governed;
    private readonly AuthorizationResult result = new();

    /// <param name="without">Actions that the run goes without.</param>
    public FileDecisions(PolicySet policies, string runName, string agent, Func<string, bool> without)
    {
        this.policies = policies;
        authorizer = new Authorizer(policies);
        run = new EntityUid(PolicyVocabulary.RunType, runName);
        var open = new EntityUid(PolicyVocabulary.ActionType, "FileOpen");
        store = EntityStore.Create(
            new Entity(run, parents: agent.Length == 0 ? [] : [new EntityUid(PolicyVocabulary.AgentType, agent)]),
            new Entity(open),
            new Entity(new EntityUid(PolicyVocabulary.ActionType, OpenReadOnly), parents: [open]),
            new Entity(new EntityUid(PolicyVocabulary.ActionType, OpenReadWrite), parents: [open]));
        governed = policies.Policies.SelectMany(static p => ActionScope.Of(p)).Where(a => Actions.Contains(a) && !without(a)).ToFrozenSet(StringComparer.Ordinal);
    }

    public static ImmutableArray<string> Actions { get; } = [OpenReadOnly, OpenReadWrite, Create, Delete, Rename, Exec];

    public ImmutableArray<string> Governed => [.. Actions.Where(governed.Contains)];

    public bool Allows(string action, string path) => !governed.Contains(action) || Decide(action, path) == Cedar.Decision.Allow;

    /// <summary>True when a statement forbids it, rather than none permitting it.</summary>
    public bool Forbids(string action, string path) => governed.Contains(action) && Decide(action, path) == Cedar.Decision.Deny && result.Reasons.Count > 0;

    /// <summary>
    /// What the policy leaves of a path. To make or take away a name is to write it, to run a program is to read it, and a
    /// program of a read-only area that is forbidden to run cannot be opened at all: what can be read can be copied and run.
    /// </summary>
    public FileRights Of(string path, FileArea area)
    {
        if ((area.Base & FileRights.Change) == 0 && Forbids(Exec, path)) return FileRights.None;
        var rights = FileRights.None;
        if (Allows(OpenReadOnly, path)) rights |= Allows(Exec, path) ? FileRights.Read | FileRights.Execute : FileRights.Read;
        if (Allows(OpenReadWrite, path))
        {
            rights |= FileRights.Write;
            if (Allows(Create, path)) rights |= FileRights.Create;
            if (Allows(Delete, path)) rights |= FileRights.Delete;
        }

        return rights & area.Base;
    }

    /// <summary>The statement that an answer hangs on: the one that forbids, or for want of a permit the first about the action.</summary>
    public Cedar.Policy Blame(string action, string path)
    {
        if (governed.Contains(action) && Decide(action, path) == Cedar.Decision.Deny && result.Reasons.Count > 0) return policies.Policies.First(p => p.Id == result.Reasons[0].Id);
        return policies.Policies.Where(p => ActionScope.Of(p).Contains(action)).OrderByDescending(static p => ActionScope.IsNarrow(p)).FirstOrDefault()
            ?? policies.Policies.First(static p => ActionScope.Of(p).Any(Actions.Contains));
    }

    private Cedar.Decision Decide(string action, string path)
    {
        var file = new Entity(new EntityUid(FileType, path), parents: [.. FilePaths.Up(path).Select(static folder => new EntityUid(DirType, folder))]);
        var context = action == Exec
            ? CedarRecord.Create(new("arguments", CedarValue.Set(CedarSet.Empty)), new("cwd", CedarValue.String("/")))
            : CedarRecord.Create();
        return authorizer.Decide(new Request(run, new EntityUid(PolicyVocabulary.ActionType, action), file.Uid, context), store.Add(file), result);
    }
}
