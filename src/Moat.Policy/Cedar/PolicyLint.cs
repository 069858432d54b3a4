using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>Finds statements without effect, and actions that a policy speaks of and never permits.</summary>
internal static class PolicyLint
{
    public static IEnumerable<PolicyNote> Run(PolicySet set)
    {
        foreach (var policy in set.Policies)
        {
            if (set.Policies.FirstOrDefault(other => Hides(other, policy)) is { } other) yield return Hidden(policy, other);
        }

        foreach (var action in RequestPolicy.Actions.AddRange(FileDecisions.Actions))
        {
            var about = set.Policies.Where(p => ActionScope.Of(p).Contains(action)).ToImmutableArray();
            if (about.IsEmpty || about.Any(static p => p.Effect == Effect.Permit)) continue;
            yield return PolicyNote.At(PolicyNoteLevel.Warning, "always-denied", about[0], about[0].Span,
                $"every {action} is denied: statements forbid some of them, and none permits any", $"add permit (principal, action == Action::\"{action}\", resource);");
        }
    }

    private static PolicyNote Hidden(Cedar.Policy policy, Cedar.Policy other)
    {
        var line = other.Source?.Position(other.Span.Start).Line ?? 0;
        return policy.Effect == other.Effect
            ? PolicyNote.At(PolicyNoteLevel.Warning, "shadowed", policy, policy.Span, $"{policy.Id} changes nothing: {other.Id} (line {line}) says as much or more")
            : PolicyNote.At(PolicyNoteLevel.Warning, "unreachable", policy, policy.Span, $"{policy.Id} never permits anything: {other.Id} (line {line}) forbids all of it");
    }

    // The other decides in every request in which the policy holds. Of two equal statements the later one is hidden.
    private static bool Hides(Cedar.Policy other, Cedar.Policy policy)
    {
        if (ReferenceEquals(other, policy) || (policy.Effect == Effect.Forbid && other.Effect == Effect.Permit)) return false;
        if (!Covers(other.Principal, policy.Principal) || !Covers(other.Action, policy.Action) || !Covers(other.Resource, policy.Resource)) return false;
        if (!other.Conditions.IsEmpty && !SameConditions(other, policy)) return false;
        var same = other.Effect == policy.Effect && SameConditions(other, policy) && Covers(policy.Principal, other.Principal) && Covers(policy.Action, other.Action) && Covers(policy.Resource, other.Resource);
        return !same || other.Span.Start < policy.Span.Start;
    }

    private static bool SameConditions(Cedar.Policy a, Cedar.Policy b) => a.Conditions.Length == b.Conditions.Length
        && a.Conditions.Zip(b.Conditions).All(static pair => pair.First.IsUnless == pair.Second.IsUnless && pair.First.Body.ToString() == pair.Second.Body.ToString());

    private static bool Covers(ScopeConstraint wide, ScopeConstraint narrow) => (wide, narrow) switch
    {
        (AnyScope, _) => true,
        (EqualScope a, EqualScope b) => a.Entity == b.Entity,
        (InScope { Entity.Uid: { } a }, EqualScope { Entity.Uid: { } b }) => IsIn(b, a),
        (InScope { Entity.Uid: { } a }, InScope { Entity.Uid: { } b }) => IsIn(b, a),
        (InScope { Entity.Uid: { } a }, InSetScope b) => b.Entities.All(e => IsIn(e, a)),
        (InSetScope a, EqualScope { Entity.Uid: { } b }) => a.Entities.Any(e => IsIn(b, e)),
        (InSetScope a, InScope { Entity.Uid: { } b }) => a.Entities.Any(e => IsIn(b, e)),
        (InSetScope a, InSetScope b) => b.Entities.All(e => a.Entities.Any(g => IsIn(e, g))),
        (IsScope { Entity: null } a, IsScope b) => a.Type == b.Type,
        (IsScope { Entity: null } a, EqualScope { Entity.Uid: { } b }) => a.Type == b.Type,
        _ => false,
    };

    private static bool IsIn(EntityUid entity, EntityUid group) => entity.Equals(group) || (group.Type.Name, entity.Type.Name) switch
    {
        ("DnsZone", "Host" or "DnsZone") => HostEntities.ZoneHolds(group.Id, entity.Id),
        ("Action", "Action") => group.Id == "FileOpen" && entity.Id.StartsWith("FileOpenRead", StringComparison.Ordinal),
        _ => false,
    };
}
