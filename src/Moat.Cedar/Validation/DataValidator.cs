namespace Moat.Cedar;

/// <summary>
/// Checks requests and entities against a schema: what <see cref="PolicyValidator"/> promises of policies holds for data that
/// fits the schema, and for no other.
/// </summary>
/// <param name="schema">The schema.</param>
public sealed class DataValidator(CedarSchema schema)
{
    /// <summary>Checks that the action applies to such a principal and such a resource, and that the context is as the action has it.</summary>
    /// <returns>Every error; none when the request fits.</returns>
    public IReadOnlyList<Diagnostic> Validate(Request request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var errors = new List<Diagnostic>();
        var values = new ValueConformance(schema, errors);
        var action = schema.Find(request.Action);
        if (action is null)
        {
            errors.Add(Error($"the action {request.Action} is not declared"));
            return errors;
        }

        Party("principal", request.Principal, action.Principals, request.Action, values, errors);
        Party("resource", request.Resource, action.Resources, request.Action, values, errors);
        values.Check("the context", CedarValue.Record(request.Context), action.Context);
        return errors;
    }

    /// <summary>Checks that every entity is of a declared type and has what the type says; actions have to be as the schema has them.</summary>
    /// <returns>Every error; none when the entities fit.</returns>
    public IReadOnlyList<Diagnostic> Validate(EntityStore entities)
    {
        ArgumentNullException.ThrowIfNull(entities);
        var errors = new List<Diagnostic>();
        var values = new ValueConformance(schema, errors);
        foreach (var entity in entities.Entities.OrderBy(e => e.Uid.ToString(), StringComparer.Ordinal))
        {
            if (entity.Uid.Type.IsAction) Action(entity, entities, errors);
            else Entity(entity, values, errors);
        }

        return errors;
    }

    private static void Party(string what, EntityUid uid, IReadOnlyCollection<EntityType> applicable, EntityUid action, ValueConformance values, List<Diagnostic> errors)
    {
        values.CheckUid($"the {what}", uid);
        if (applicable.Contains(uid.Type)) return;
        var types = applicable.Count == 0 ? "it applies to nothing" : $"it applies to {string.Join(", ", applicable)}";
        errors.Add(Error($"{action} does not apply to a {what} of the type {uid.Type}", types));
    }

    private void Action(Entity entity, EntityStore entities, List<Diagnostic> errors)
    {
        if (schema.Find(entity.Uid) is not { } declared)
        {
            errors.Add(Error($"the action {entity.Uid} is not declared"));
            return;
        }

        var ancestors = entities.Ancestors(entity.Uid).ToArray();
        var same = entity.Attributes.Count == 0 && entity.Tags.Count == 0 && declared.Ancestors.SetEquals(ancestors);
        if (!same) errors.Add(Error($"the action {entity.Uid} differs from what the schema says of it", "leave it out: the schema adds its actions"));
    }

    private void Entity(Entity entity, ValueConformance values, List<Diagnostic> errors)
    {
        var uid = entity.Uid;
        if (schema.Find(uid.Type) is not { } type)
        {
            var near = NearNames.Nearest(uid.Type.Name, schema.EntityTypes.Select(t => t.Name));
            errors.Add(Error($"{uid} is of a type that is not declared", near is null ? null : $"did you mean {near}?"));
            return;
        }

        values.CheckUid("the entity", uid);
        values.Check($"the attributes of {uid}", CedarValue.Record(entity.Attributes), type.Attributes);
        foreach (var parent in entity.Parents)
        {
            values.CheckUid($"a parent of {uid}", parent);
            if (!type.Ancestors.Contains(parent.Type)) errors.Add(Error($"{uid} cannot be in {parent}", $"the schema has no {parent.Type} that a {uid.Type} is in"));
        }

        if (type.Tags is null)
        {
            if (entity.Tags.Count > 0) errors.Add(Error($"{uid} has tags, but its type has none"));
            return;
        }

        foreach (var (name, value) in entity.Tags.Fields) values.Check($"the tag {CedarString.Quote(name)} of {uid}", value, type.Tags);
    }

    private static Diagnostic Error(string message, string? help = null) => new(DiagnosticSeverity.Error, message) { Help = help };
}
