namespace Moat.Cedar;

/// <summary>A policy made ready for evaluation.</summary>
internal sealed class CompiledPolicy
{
    private readonly ScopeTest principal;
    private readonly ScopeTest action;
    private readonly ScopeTest resource;
    private readonly (Node Body, Truth Stop)[] conditions;

    public CompiledPolicy(Policy policy, int position)
    {
        Policy = policy;
        Position = position;
        principal = new ScopeTest(policy.Principal);
        action = new ScopeTest(policy.Action);
        resource = new ScopeTest(policy.Resource);
        Keys = new PolicyKeys(policy);
        conditions = [.. policy.Conditions.Select(c => (NodeCompiler.Compile(c.Body), c.IsUnless ? Truth.True : Truth.False))];
    }

    public Policy Policy { get; }

    /// <summary>Its place in the set.</summary>
    public int Position { get; }

    /// <summary>What the index files it under.</summary>
    public PolicyKeys Keys { get; }

    /// <summary>Whether the policy applies: its scope holds, every <c>when</c> is true and every <c>unless</c> false, asked in their order.</summary>
    public Truth Test(EvaluationContext context)
    {
        if (!action.Holds(context, context.Action) || !resource.Holds(context, context.Resource) || !principal.Holds(context, context.Principal)) return Truth.False;
        foreach (var (body, stop) in conditions)
        {
            var truth = body.Test(context);
            if (truth == Truth.Error) return Truth.Error;
            if (truth == stop) return Truth.False;
        }

        return Truth.True;
    }
}
