namespace Moat.Cedar;

/// <summary>Whether a request is allowed.</summary>
public enum Decision
{
    /// <summary>No policy permits it, or one forbids it.</summary>
    Deny,

    /// <summary>A policy permits it and none forbids it.</summary>
    Allow,
}

/// <summary>
/// The answer to a request. One result can be used for request after request by one thread at a time; it then allocates
/// nothing once its lists have grown.
/// </summary>
public sealed class AuthorizationResult
{
    private readonly List<int> permits = [];
    private readonly List<int> forbids = [];
    private readonly List<Policy> reasons = [];
    private readonly List<int> failed = [];
    private readonly List<EvaluationError> errors = [];

    // A policy of several cells may be visited more than once: it carries the number of the request that saw it last.
    private int[] seen = [];
    private int number;

    /// <summary>Whether the request is allowed.</summary>
    public Decision Decision { get; private set; }

    /// <summary>The policies that decided, in the order of the set: those that permit, or those that forbid; none when nothing applies.</summary>
    public IReadOnlyList<Policy> Reasons => reasons;

    /// <summary>The policies that were skipped for an error, in the order of the set.</summary>
    public IReadOnlyList<EvaluationError> Errors => errors;

    internal EvaluationContext Context { get; } = new();

    internal void Begin(int policies)
    {
        if (seen.Length < policies) seen = new int[policies];
        if (++number == 0)
        {
            Array.Clear(seen);
            number = 1;
        }

        permits.Clear();
        forbids.Clear();
        reasons.Clear();
        failed.Clear();
        errors.Clear();
    }

    internal void Visit(CompiledPolicy policy)
    {
        if (seen[policy.Position] == number) return;
        seen[policy.Position] = number;
        switch (policy.Test(Context))
        {
            case Truth.True:
                (policy.Policy.Effect == Effect.Permit ? permits : forbids).Add(policy.Position);
                break;
            case Truth.Error:
                Insert(policy.Position, Context.Error.For(policy.Policy));
                break;
        }
    }

    internal void End(CompiledPolicy[] policies)
    {
        Decision = permits.Count > 0 && forbids.Count == 0 ? Decision.Allow : Decision.Deny;
        var deciding = Decision == Decision.Allow ? permits : forbids;
        deciding.Sort();
        foreach (var position in deciding) reasons.Add(policies[position].Policy);
    }

    private void Insert(int position, EvaluationError error)
    {
        var index = ~failed.BinarySearch(position);
        failed.Insert(index, position);
        errors.Insert(index, error);
    }
}
