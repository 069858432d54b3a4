namespace Moat.Cedar;

/// <summary>How strict a <see cref="PolicyValidator"/> is.</summary>
public enum ValidationMode
{
    /// <summary>Cedar's rule: types are mixed nowhere, and extension values are written out.</summary>
    Strict,

    /// <summary>What cannot fail for its types, though it may be of no use: a set of mixed types, a comparison that is never true.</summary>
    Permissive,
}

/// <summary>
/// Checks policies against a schema. A policy without an error does not fail for a type, for a missing attribute or for a
/// missing tag in any request that fits the schema; it may still overflow, or ask an entity that is not there.
/// </summary>
/// <param name="schema">The schema.</param>
/// <param name="mode">How strict it is.</param>
public sealed class PolicyValidator(CedarSchema schema, ValidationMode mode = ValidationMode.Strict)
{
    /// <summary>Checks every policy, every template and every link of a set.</summary>
    /// <returns>Errors and warnings, policy by policy; the policies are in order when no error is among them.</returns>
    public IReadOnlyList<Diagnostic> Validate(PolicySet policies)
    {
        ArgumentNullException.ThrowIfNull(policies);
        return [.. policies.Templates.Concat(policies.Policies).SelectMany(Validate)];
    }

    /// <summary>Checks one policy or one template.</summary>
    /// <returns>Errors and warnings in the order of the text; the policy is in order when no error is among them.</returns>
    public IReadOnlyList<Diagnostic> Validate(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var report = new ValidationReport(policy);
        try
        {
            Check(policy, report);
        }
        catch (InsufficientExecutionStackException)
        {
            report.Error(policy.Span, "the policy is nested too deep to be checked", "split it");
        }

        return [.. report.Diagnostics];
    }

    private void Check(Policy policy, ValidationReport report)
    {
        new PolicyScopes(schema, report).Check(policy);
        var names = new PolicyNames(schema, report);
        if (policy.Link is { } link)
        {
            // The template was checked for whatever may fill its slots; left are the names of what fills them.
            names.Check(link);
            return;
        }

        ReadingOrder.Check(policy, report);
        var core = new CoreBuilder().Build(policy);
        names.Check(core);
        var strict = mode == ValidationMode.Strict;
        var canHold = false;
        foreach (var environment in new PolicyEnvironments(schema, policy, core, strict, report).All())
        {
            canHold |= new TypeChecker(schema, environment, strict, report).CanHold(core.Condition);
        }

        if (!canHold) report.Warn(policy.Span, "the policy never applies: its condition is false for every request that fits the schema", null);
    }
}
