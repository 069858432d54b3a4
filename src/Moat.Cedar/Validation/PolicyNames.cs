namespace Moat.Cedar;

/// <summary>Checks the entity types, the actions and the enumerated entities that a policy names, whether or not they matter to its outcome.</summary>
internal sealed class PolicyNames(CedarSchema schema, ValidationReport report)
{
    /// <summary>Checks the entities and the types of <c>is</c> in a policy.</summary>
    public void Check(CorePolicy policy)
    {
        var open = new Stack<CoreNode>([policy.Principal, policy.Action, policy.Resource, policy.Condition]);
        while (open.TryPop(out var node))
        {
            if (node.Kind == CoreKind.Literal && node.Value.AsEntity() is { } uid) Entity(uid, node.Span);
            else if (node.Kind == CoreKind.Is) Type(node.Type, node.Span);
            foreach (var child in node.Children) open.Push(child);
        }
    }

    /// <summary>Checks the entities that fill the slots of a template.</summary>
    public void Check(TemplateLink link)
    {
        if (link.Principal is { } principal) Type(principal.Type, default);
        if (link.Resource is { } resource) Type(resource.Type, default);
    }

    private void Entity(EntityUid uid, SourceSpan span)
    {
        if (uid.Type.IsAction)
        {
            if (schema.Find(uid) is null) report.Error(span, $"the action {uid} is not declared", NearAction(uid));
            return;
        }

        Type(uid.Type, span);
        if (schema.Find(uid.Type) is { } type && !type.Allows(uid.Id))
        {
            var ids = string.Join(", ", type.Choices.Take(10).Select(c => CedarString.Quote(c)));
            report.Error(span, $"there is no {uid}: the type is enumerated", $"its ids are {ids}{(type.Choices.Length > 10 ? ", …" : "")}");
        }
    }

    private void Type(EntityType type, SourceSpan span)
    {
        if (schema.Knows(type)) return;
        var near = NearNames.Nearest(type.Name, schema.EntityTypeList.Select(t => t.Name.Name));
        report.Error(span, $"the entity type {type} is not declared", near is null ? null : $"did you mean {near}?");
    }

    private string? NearAction(EntityUid uid)
    {
        // The namespace is what is most often forgotten.
        var elsewhere = schema.ActionList.FirstOrDefault(a => a.Uid.Id == uid.Id);
        if (elsewhere is not null) return $"did you mean {elsewhere.Uid}?";
        var near = NearNames.Nearest(uid.Id, schema.ActionList.Where(a => a.Uid.Type == uid.Type).Select(a => a.Uid.Id));
        return near is null ? null : $"did you mean {new EntityUid(uid.Type, near)}?";
    }
}
