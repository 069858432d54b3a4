namespace Moat.Cedar;

/// <summary>A record that is made anew for each request, since a field depends on it.</summary>
internal sealed class RecordNode(Expression source, KeyValuePair<string, Node>[] fields) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        var values = new KeyValuePair<string, CedarValue>[fields.Length];
        value = default;
        for (var i = 0; i < fields.Length; i++)
        {
            if (!fields[i].Value.TryEvaluate(context, out var field)) return false;
            values[i] = new(fields[i].Key, field);
        }

        value = CedarValue.Record(CedarRecord.Create(values));
        return true;
    }
}

/// <summary><c>x.name</c>.</summary>
internal sealed class GetAttributeNode(Expression source, Node target, string name) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        if (!target.TryEvaluate(context, out var owner))
        {
            value = default;
            return false;
        }

        if (owner.AsRecord() is { } record)
        {
            if (record.TryGetValue(name, out value)) return true;
            context.Fail(EvaluationErrorKind.NoSuchAttribute, this, owner, name);
            return false;
        }

        value = default;
        if (owner.AsEntity() is not { } uid)
        {
            context.Fail(EvaluationErrorKind.WrongKind, target, owner, "an entity or a record");
            return false;
        }

        if (context.Find(uid) is not { } stored)
        {
            context.Fail(EvaluationErrorKind.NoSuchEntity, target, owner);
            return false;
        }

        if (stored.Entity.Attributes.TryGetValue(name, out value)) return true;
        context.Fail(EvaluationErrorKind.NoSuchAttribute, this, owner, name);
        return false;
    }
}

/// <summary><c>x has a.b.c</c>: whether each step has the next. An entity that is not stored has nothing.</summary>
internal sealed class HasAttributeNode(Expression source, Node target, string[] path) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (!target.TryEvaluate(context, out var owner)) return Truth.Error;
        foreach (var name in path)
        {
            var record = owner.AsRecord();
            if (record is null)
            {
                if (owner.AsEntity() is not { } uid) return context.FailTruth(EvaluationErrorKind.WrongKind, target, owner, "an entity or a record");
                record = context.Find(uid)?.Entity.Attributes;
            }

            if (record is null || !record.TryGetValue(name, out owner)) return Truth.False;
        }

        return Truth.True;
    }
}
