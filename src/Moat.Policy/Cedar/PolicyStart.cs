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
        if (wrong.Length > 0)
        {
            var help = wrong.Select(static n => n.Help).FirstOrDefault(static h => h.Length > 0);
            throw new MoatException("the policy cannot be enforced as it stands:\n" + string.Join('\n', wrong.Select(n => Line(file.Name, n))), help ?? "see: moat policy check FILE");
        }

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
