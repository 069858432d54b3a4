namespace Moat.Cedar;

/// <summary><c>in</c>, with one entity or a set of them on the right.</summary>
internal sealed class InNode(Expression source, Node left, Node right) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (!left.TryEvaluate(context, out var first) || !right.TryEvaluate(context, out var second)) return Truth.Error;
        if (first.AsEntity() is not { } uid) return context.FailTruth(EvaluationErrorKind.WrongKind, left, first, "an entity");
        if (second.AsEntity() is { } ancestor) return Of(context.IsIn(uid, ancestor));
        if (second.AsSet() is not { } set) return context.FailTruth(EvaluationErrorKind.WrongKind, right, second, "an entity or a set of entities");

        // One member that is no entity spoils the whole set, even when another one matches.
        foreach (var element in set.Elements)
        {
            if (element.AsEntity() is null) return context.FailTruth(EvaluationErrorKind.WrongKind, right, element, "an entity");
        }

        return Of(IsInAny(context, uid, first, set));
    }

    private static bool IsInAny(EvaluationContext context, EntityUid uid, CedarValue self, CedarSet set)
    {
        if (set.Contains(self)) return true;
        if (context.Find(uid) is not { } stored) return false;
        if (stored.Ancestors.Length < set.Count)
        {
            foreach (var ancestor in stored.Ancestors)
            {
                if (set.Contains(CedarValue.Entity(ancestor))) return true;
            }

            return false;
        }

        foreach (var element in set.Elements)
        {
            if (stored.IsIn(element.AsEntity()!)) return true;
        }

        return false;
    }
}

/// <summary><c>is</c>, alone or with <c>in</c>.</summary>
internal sealed class IsNode(Expression source, Node target, string type) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context) => target.EvaluateEntity(context) is { } uid ? Of(uid.Type.Name == type) : Truth.Error;
}

/// <summary><c>getTag</c>.</summary>
internal sealed class GetTagNode(Expression source, Node target, Node tag) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = default;
        if (target.EvaluateEntity(context) is not { } uid || tag.EvaluateString(context) is not { } name) return false;
        if (context.Find(uid) is not { } stored)
        {
            context.Fail(EvaluationErrorKind.NoSuchEntity, target, CedarValue.Entity(uid));
            return false;
        }

        if (stored.Entity.Tags.TryGetValue(name, out value)) return true;
        context.Fail(EvaluationErrorKind.NoSuchTag, this, CedarValue.Entity(uid), name);
        return false;
    }
}

/// <summary><c>hasTag</c>.</summary>
internal sealed class HasTagNode(Expression source, Node target, Node tag) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (target.EvaluateEntity(context) is not { } uid || tag.EvaluateString(context) is not { } name) return Truth.Error;
        return Of(context.Find(uid) is { } stored && stored.Entity.Tags.ContainsKey(name));
    }
}
