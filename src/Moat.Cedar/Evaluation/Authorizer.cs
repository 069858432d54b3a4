namespace Moat.Cedar;

/// <summary>Decides requests by the policies of a set, which it has made ready for that. Immutable, for any number of threads.</summary>
public sealed class Authorizer
{
    private readonly CompiledPolicy[] policies;
    private readonly PolicyIndex index;

    /// <summary>Makes the policies ready: constants are worked out, and an index is built over what their scopes ask for.</summary>
    public Authorizer(PolicySet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        policies = [.. set.Policies.Select(static (policy, position) => new CompiledPolicy(policy, position))];
        index = new PolicyIndex(policies);
    }

    /// <summary>Decides a request.</summary>
    public AuthorizationResult Decide(Request request, EntityStore entities)
    {
        var result = new AuthorizationResult();
        Decide(request, entities, result);
        return result;
    }

    /// <summary>Decides a request into a result that was used before; allocates nothing, unless a policy makes a set or a record of the request's values.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="entities">What is known of the entities.</param>
    /// <param name="result">Takes the answer; what it held is gone.</param>
    public Decision Decide(Request request, EntityStore entities, AuthorizationResult result)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(entities);
        ArgumentNullException.ThrowIfNull(result);
        result.Begin(policies.Length);
        result.Context.Begin(request, entities);
        index.Visit(result.Context, result);
        result.End(policies);
        return result.Decision;
    }
}
