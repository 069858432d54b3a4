namespace Moat.Cedar;

/// <summary>A scope's constraint made ready: whether it holds is never an error.</summary>
internal readonly struct ScopeTest
{
    private readonly string? type;
    private readonly EntityUid? uid;
    private readonly EntityUid[]? set;
    private readonly bool isEqual;

    public ScopeTest(ScopeConstraint constraint)
    {
        switch (constraint)
        {
            case EqualScope equal:
                uid = Filled(equal.Entity);
                isEqual = true;
                break;
            case InScope within:
                uid = Filled(within.Entity);
                break;
            case InSetScope many:
                set = [.. many.Entities];
                break;
            case IsScope test:
                type = test.Type.Name;
                uid = test.Entity is { } entity ? Filled(entity) : null;
                break;
        }
    }

    public bool Holds(EvaluationContext context, EntityUid subject)
    {
        if (type is not null && subject.Type.Name != type) return false;
        if (uid is not null) return isEqual ? subject.Equals(uid) : context.IsIn(subject, uid);
        if (set is null) return true;
        foreach (var candidate in set)
        {
            if (context.IsIn(subject, candidate)) return true;
        }

        return false;
    }

    private static EntityUid Filled(EntityOrSlot entity) => entity.Uid ?? throw new ArgumentException("a template decides nothing before it is linked");
}
