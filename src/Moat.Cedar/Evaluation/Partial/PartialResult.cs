namespace Moat.Cedar;

/// <summary>What can be said of a <see cref="PartialRequest"/>.</summary>
public sealed class PartialResult
{
    internal PartialResult(IReadOnlyList<Policy> satisfied, IReadOnlyList<ResidualPolicy> residuals, IReadOnlyList<EvaluationError> errors)
    {
        Satisfied = satisfied;
        Residuals = [.. residuals.Select(r => r.Policy)];
        Errors = errors;
        Decision = Decide(satisfied, residuals);
    }

    /// <summary>The decision when it is the same whatever the unknown turns out to be, otherwise null.</summary>
    public Decision? Decision { get; }

    /// <summary>The policies that apply in any case.</summary>
    public IReadOnlyList<Policy> Satisfied { get; }

    /// <summary>
    /// What is left of the policies that may apply: the same ids and effects, with conditions in which all that is known has
    /// been worked out. Evaluated for the whole request, each gives what its original gives.
    /// </summary>
    public IReadOnlyList<Policy> Residuals { get; }

    /// <summary>The policies that are skipped for an error in any case.</summary>
    public IReadOnlyList<EvaluationError> Errors { get; }

    /// <summary>The satisfied policies, without their conditions, and the residuals: decided for the whole request, they give the decision and the reasons of the original set.</summary>
    public PolicySet ToPolicySet() => PolicySet.Create(Satisfied
        .Select(p => p with { Principal = AnyScope.Instance, Action = AnyScope.Instance, Resource = AnyScope.Instance, Conditions = [], Link = null })
        .Concat(Residuals));

    private static Decision? Decide(IReadOnlyList<Policy> satisfied, IReadOnlyList<ResidualPolicy> residuals)
    {
        if (satisfied.Any(p => p.Effect == Effect.Forbid)) return Cedar.Decision.Deny;
        var permitted = satisfied.Any(p => p.Effect == Effect.Permit);
        if (!permitted && !residuals.Any(r => r.MayApply && r.Policy.Effect == Effect.Permit)) return Cedar.Decision.Deny;
        return permitted && !residuals.Any(r => r.MayApply && r.Policy.Effect == Effect.Forbid) ? Cedar.Decision.Allow : null;
    }
}

/// <summary>What is left of a policy.</summary>
/// <param name="Policy">With the scope and the conditions that are open.</param>
/// <param name="MayApply">False when it can only fail or not apply.</param>
internal sealed record ResidualPolicy(Policy Policy, bool MayApply);
