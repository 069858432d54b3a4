namespace Moat.Cedar;

/// <summary>
/// What a request must have for a policy to apply, as far as it can be read from the policy: the entities of which its
/// principal, action and resource must be one, or be in, and their types. It is found in the scope, and in the conditions as
/// long as nothing that may fail stands before.
/// </summary>
internal sealed class PolicyKeys
{
    private readonly EntityUid[]?[] entities = new EntityUid[]?[3];
    private readonly string?[] types = new string?[3];

    public PolicyKeys(Policy policy)
    {
        Read(Variable.Principal, policy.Principal);
        Read(Variable.Action, policy.Action);
        Read(Variable.Resource, policy.Resource);
        foreach (var condition in policy.Conditions)
        {
            if (condition.IsUnless || !Read(condition.Body)) break;
        }
    }

    /// <summary>The entities one of which the variable must be, or be in; null when any will do.</summary>
    public EntityUid[]? Entities(Variable variable) => entities[(int)variable];

    /// <summary>The type of the variable, or null.</summary>
    public string? Type(Variable variable) => types[(int)variable];

    private void Read(Variable variable, ScopeConstraint constraint)
    {
        switch (constraint)
        {
            case EqualScope { Entity.Uid: { } uid }:
                Narrow(variable, [uid]);
                break;
            case InScope { Entity.Uid: { } uid }:
                Narrow(variable, [uid]);
                break;
            case InSetScope set:
                Narrow(variable, [.. set.Entities]);
                break;
            case IsScope test:
                types[(int)variable] ??= test.Type.Name;
                if (test.Entity?.Uid is { } ancestor) Narrow(variable, [ancestor]);
                break;
        }
    }

    // Whether the expression is nothing but tests that cannot fail, so that what follows it is always reached when they hold.
    private bool Read(Expression expression)
    {
        switch (expression)
        {
            case BinaryExpression { Operator: BinaryOperator.And } and:
                return Read(and.Left) && Read(and.Right);
            case BinaryExpression { Operator: BinaryOperator.Equal or BinaryOperator.In, Left: VariableExpression { Variable: not Variable.Context } left, Right: LiteralExpression literal }
                when literal.Value.AsEntity() is { } uid:
                Narrow(left.Variable, [uid]);
                return true;
            case BinaryExpression { Operator: BinaryOperator.Equal, Left: LiteralExpression literal, Right: VariableExpression { Variable: not Variable.Context } right }
                when literal.Value.AsEntity() is { } uid:
                Narrow(right.Variable, [uid]);
                return true;
            case BinaryExpression { Operator: BinaryOperator.In, Left: VariableExpression { Variable: not Variable.Context } left, Right: SetExpression set }
                when set.Elements.All(e => e is LiteralExpression literal && literal.Value.AsEntity() is not null):
                Narrow(left.Variable, [.. set.Elements.Select(e => ((LiteralExpression)e).Value.AsEntity()!)]);
                return true;
            case IsExpression { Target: VariableExpression { Variable: not Variable.Context } target, Ancestor: null } test:
                types[(int)target.Variable] ??= test.Type.Name;
                return true;
            default:
                return false;
        }
    }

    private void Narrow(Variable variable, EntityUid[] alternatives)
    {
        if (entities[(int)variable] is null || alternatives.Length < entities[(int)variable]!.Length) entities[(int)variable] = [.. alternatives.Distinct()];
    }
}
