using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>
/// Decides requests of which something is not known yet. The entities are taken to be complete, but for the principal and the
/// resource that are not known: what is missing here is missing later.
/// </summary>
public static class PartialEvaluator
{
    /// <summary>Works out what the policies say in any case, and what is left of the others.</summary>
    public static PartialResult Decide(PolicySet set, PartialRequest request, EntityStore entities)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(entities);
        var simplifier = new Simplifier(request, entities);
        var satisfied = new List<Policy>();
        var residuals = new List<ResidualPolicy>();
        var errors = new List<EvaluationError>();
        foreach (var policy in set.Policies) Evaluate(policy, simplifier, satisfied, residuals, errors);
        return new PartialResult(satisfied, residuals, errors);
    }

    private static void Evaluate(Policy policy, Simplifier simplifier, List<Policy> satisfied, List<ResidualPolicy> residuals, List<EvaluationError> errors)
    {
        if (simplifier.Scope(Variable.Principal, policy.Principal) is not { } principal
            || simplifier.Scope(Variable.Action, policy.Action) is not { } action
            || simplifier.Scope(Variable.Resource, policy.Resource) is not { } resource) return;
        var open = ImmutableArray.CreateBuilder<Condition>();
        var isScopeOpen = principal is not AnyScope || action is not AnyScope || resource is not AnyScope;
        var mayApply = true;
        foreach (var condition in policy.Conditions)
        {
            var body = simplifier.SimplifyCondition(condition.Body);
            if (body.Open is { } expression)
            {
                open.Add(condition with { Body = expression });
                continue;
            }

            if (body.Error is null && body.IsTrue != condition.IsUnless) continue;

            // Here the policy ends: it does not apply, or it fails. When something open stands before, that is asked first.
            if (body.Error is null && open.Count == 0) return;
            if (body.Error is { } error && open.Count == 0 && !isScopeOpen)
            {
                errors.Add(error.For(policy));
                return;
            }

            open.Add(condition);
            mayApply = false;
            break;
        }

        if (!isScopeOpen && open.Count == 0) satisfied.Add(policy);
        else residuals.Add(new(policy with { Principal = principal, Action = action, Resource = resource, Conditions = open.ToImmutable(), Link = null }, mayApply));
    }
}
