namespace Moat.Cedar;

/// <summary>Attributes and tags.</summary>
internal sealed partial class TypeChecker
{
    private TypeAnswer GetAttribute(CoreNode node, CapabilitySet known)
    {
        var target = Expect(node.First, known, EntityOrRecord);
        if (target.Type is null) return TypeAnswer.Failed();
        if (AttributeOf(target.Type, node.Name) is not { } attribute)
        {
            report.NoAttribute(node, target.Type, AttributesOf(target.Type), MayHave(target.Type, node.Name));
            return TypeAnswer.Failed();
        }

        if (attribute.IsRequired || known.Contains(node.Capability)) return TypeAnswer.Of(attribute.Type).After(target);
        report.OptionalAttribute(node, target.Type);
        return TypeAnswer.Failed(attribute.Type);
    }

    private TypeAnswer HasAttribute(CoreNode node, CapabilitySet known)
    {
        var target = Expect(node.First, known, EntityOrRecord, Hints.Has);
        if (target.Type is null) return TypeAnswer.Failed(BoolType.Any);
        if (AttributeOf(target.Type, node.Name) is not { } attribute)
        {
            return TypeAnswer.Of(MayHave(target.Type, node.Name) ? BoolType.Any : BoolType.False).After(target);
        }

        // An entity may be missing, and then it has nothing, whatever its type requires.
        var certain = known.Contains(node.Capability) || (attribute.IsRequired && target.Type is RecordType);
        return TypeAnswer.Of(certain ? BoolType.True : BoolType.Any, CapabilitySet.Of(node.Capability)).After(target);
    }

    private TypeAnswer HasTag(CoreNode node, CapabilitySet known)
    {
        var (target, tag) = TagOperands(node, known);
        if (target.Type is not EntityReferenceType entity) return TypeAnswer.Failed();
        var type = TagTypes(entity).Count == 0 ? BoolType.False : known.Contains(node.Capability) ? BoolType.True : BoolType.Any;
        return TypeAnswer.Of(type, CapabilitySet.Of(node.Capability)).After(target, tag);
    }

    private TypeAnswer GetTag(CoreNode node, CapabilitySet known)
    {
        var (target, tag) = TagOperands(node, known);
        if (target.Type is not EntityReferenceType entity) return TypeAnswer.Failed();
        if (!known.Contains(node.Capability))
        {
            report.Error(node.Span, "the entity may not have this tag", "ask with hasTag first, in the same words");
            return TypeAnswer.Failed();
        }

        var types = TagTypes(entity);
        if (types.Count == 0)
        {
            report.Error(node.Span, $"entities of the type {entity} have no tags", "declare the type with `tags`");
            return TypeAnswer.Failed();
        }

        return UpperBound(node.Span, "the tags of these entities", types) is { } type ? TypeAnswer.Of(type).After(target, tag) : TypeAnswer.Failed();
    }

    private (TypeAnswer Target, TypeAnswer Tag) TagOperands(CoreNode node, CapabilitySet known) =>
        (Expect(node.First, known, EntityReferenceType.Any), Expect(node.Second, known, CedarType.String));

    private List<CedarType> TagTypes(EntityReferenceType entity)
    {
        var types = entity.IsAny ? schema.EntityTypeList : [.. entity.Types.Select(schema.Find).OfType<SchemaEntityType>()];
        return [.. types.Select(t => t.Tags).OfType<CedarType>().Distinct()];
    }

    private AttributeType? AttributeOf(CedarType type, string name) => AttributesOf(type) is { } record && record.Attributes.TryGetValue(name, out var attribute) ? attribute : null;

    // Those which are known: of an entity of whatever type, none.
    private RecordType? AttributesOf(CedarType type)
    {
        if (type is RecordType record) return record;
        if (type is not EntityReferenceType { IsAny: false } entity) return null;
        return entity.Types.Select(t => schema.Find(t)?.Attributes ?? RecordType.Empty).Aggregate(TypeRelations.PermissiveBound);
    }

    private bool MayHave(CedarType type, string name) => type switch
    {
        RecordType record => record.IsOpen || record.Attributes.ContainsKey(name),
        EntityReferenceType entity => entity.IsAny || entity.Types.Any(t => schema.Find(t) is { } declared ? declared.Attributes.Attributes.ContainsKey(name) : !t.IsAction),
        _ => ReferenceEquals(type, CedarType.Never),
    };
}
