using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>Makes a run's policy ready, or says why the run does not start: what a policy says holds, or nothing starts.</summary>
public static class PolicyStart
{
    /// <summary>The policy of the run; null without one, and in record mode, in which it is not asked.</summary>
    /// <exception cref="MoatException">The text is not in order, or a statement cannot be enforced and no downgrade accepts that. The text names each place.</exception>
    public static RequestPolicy? Compile(RunSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Policy is not { } policy) return null;
        var file = PolicyFile.Read(policy.Text, policy.Name);
        PolicyNote[] wrong = [.. file.Notes.Where(n => n.Level == PolicyNoteLevel.Error && !Accepts(n, spec))];
        if (wrong.Length > 0) throw Unenforceable(file.Name, wrong);
        return policy.Mode == PolicyMode.Record ? null : RequestPolicy.Compile(file, spec.Name, spec.Agent);
    }

    /// <summary>Makes a policy ready that takes another's place while the run goes on.</summary>
    /// <exception cref="MoatException">As for <see cref="Compile"/>; or the change cannot be made in a run that goes on.</exception>
    public static RequestPolicy Recompile(RunSpec spec, PolicySpec before, PolicySpec after)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var compiled = Compile(spec with { Policy = after }) ?? throw new MoatException("a policy that is not asked is not replaced", "start the run again");
        if (spec.Network.Mode == NetworkMode.Permissive && GovernsNetwork(before) && !GovernsNetwork(after))
            throw new MoatException("the policy decides alone on the network in this run, and the saved one does not speak of it", "say what it permits, or start the run again");
        if (BeyondGateway(before) != BeyondGateway(after))
            throw new MoatException("the statements about files and processes changed, and they hold from the start of a run on", "start the run again");
        return compiled;
    }

    /// <summary>What the kernel has to hold of the run's policy; null when that is nothing.</summary>
    /// <param name="spec">The run; its policy has passed <see cref="Compile"/>.</param>
    /// <param name="view">The sandbox's file system.</param>
    /// <param name="landlockAbi">The kernel's; 0 without Landlock. Below 3 it does not fence truncation, so it holds no policy.</param>
    /// <exception cref="MoatException">A statement cannot be held exactly, and no downgrade accepts that. The text names each.</exception>
    public static KernelRules? Lower(RunSpec spec, FileView view, int landlockAbi)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(view);
        if (spec.Policy is not { Mode: not PolicyMode.Record } policy) return null;
        var file = PolicyFile.Read(policy.Text, policy.Name);
        var (rules, problems) = Lower(file, spec, view, landlockAbi, static _ => false);
        if (problems.Length > 0 && problems.All(n => Accepts(n, spec)))
            (rules, problems) = Lower(file, spec, view, landlockAbi, action => problems.Any(n => n.Downgrade == "policy-exec" == (action == FileDecisions.Exec)));
        if (problems.Length > 0) throw Unenforceable(file.Name, problems);
        return rules is { } && TakesAway(rules, view) ? rules with { FileName = file.Name } : null;
    }

    private static (KernelRules? Rules, ImmutableArray<PolicyNote> Problems) Lower(PolicyFile file, RunSpec spec, FileView view, int landlockAbi, Func<string, bool> without)
    {
        var decisions = new FileDecisions(file.Policies, spec.Name, spec.Agent, without);
        if (decisions.Governed.IsEmpty) return (null, []);
        ImmutableArray<PolicyNote> notes = [.. file.Notes.Where(static n => n.Code == Enforceability.Code && n.Downgrade is "policy-files" or "policy-exec").Where(n => !(without("ProcessExec") && n.Downgrade == "policy-exec") && !(without("FileDelete") && n.Downgrade == "policy-files"))];
        if (!notes.IsEmpty) return (null, notes);
        var (rules, problems) = FileLowering.Run(file.Policies, decisions, view);
        if (problems.IsEmpty && TakesAway(rules, view) && (landlockAbi < 3 || spec.Policy!.Mode == PolicyMode.Shadow))
        {
            var why = landlockAbi < 3 ? "this kernel has no Landlock that holds it (Linux 6.2 is needed)" : "what it would deny cannot be seen in shadow mode";
            problems = [.. decisions.Governed.Select(action => FileLowering.Note(decisions.Blame(action, "/"), action, why, "enforce it")).Distinct()];
        }

        return (rules, problems);
    }

    // A policy that permits all that the sandbox gives leaves nothing to hold.
    private static bool TakesAway(KernelRules rules, FileView view) =>
        !rules.Masks.IsEmpty || view.Areas.Any(area => (area.Base & ~rules.Grants.Where(g => FilePaths.Holds(g.Path, area.Path)).Aggregate(FileRights.None, static (all, g) => all | g.Rights)) != 0);

    private static MoatException Unenforceable(string name, IReadOnlyList<PolicyNote> notes) =>
        new("the policy cannot be enforced as it stands:\n" + string.Join('\n', notes.Select(n => Line(name, n))), notes.Select(static n => n.Help).FirstOrDefault(static h => h.Length > 0) ?? "see: moat policy check FILE");

    /// <summary>True when the policy speaks of connections or requests, so that it can decide alone.</summary>
    public static bool GovernsNetwork(PolicySpec policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return PolicyFile.Read(policy.Text, policy.Name).Policies.Policies.SelectMany(static p => ActionScope.Of(p))
            .Any(static a => a is PolicyVocabulary.NetworkConnect or PolicyVocabulary.HttpRequest);
    }

    // The statements that something else than the gateway holds, where anything does.
    private static string BeyondGateway(PolicySpec policy) => string.Join('\n', PolicyFile.Read(policy.Text, policy.Name).Policies.Policies
        .Where(static p => (ActionScope.IsNarrow(p) || p.Effect == Cedar.Effect.Forbid) && ActionScope.Of(p).Any(static a => !RequestPolicy.Actions.Contains(a)))
        .Select(static p => p.Source is { } source ? source[p.Span].ToString() : p.Id));

    private static bool Accepts(PolicyNote note, RunSpec spec) =>
        note.Code == Enforceability.Code && (spec.Policy!.Mode == PolicyMode.Record || spec.Downgrades.Contains(note.Downgrade));

    private static string Line(string name, PolicyNote note) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Printable.Text(name)}:{note.Line}:{note.Column}: {note.Message}");
}
