namespace Moat.Cedar;

/// <summary>
/// How types relate. In strict mode records match attribute for attribute and entities only of one type go together; in
/// permissive mode a record may have more than is asked for and an entity may be of one of several types.
/// </summary>
internal static class TypeRelations
{
    /// <summary>Whether every value of the type is one of the other.</summary>
    public static bool IsSubtype(CedarType type, CedarType of, bool strict)
    {
        if (ReferenceEquals(type, of) || ReferenceEquals(type, CedarType.Never)) return true;
        return (type, of) switch
        {
            (BoolType, BoolType) => ReferenceEquals(of, BoolType.Any),
            (SetType, SetType { Element: null }) => true,
            (SetType { Element: { } element }, SetType { Element: { } above }) => IsSubtype(element, above, strict),
            (RecordType record, RecordType above) => IsSubrecord(record, above, strict),
            (EntityReferenceType entity, EntityReferenceType above) => strict ? entity.Equals(above) : entity.IsWithin(above),
            (ExtensionType extension, ExtensionType above) => extension.Kind == above.Kind,
            _ => false,
        };
    }

    /// <summary>The least type that has the values of both.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other.</param>
    /// <param name="strict">The mode.</param>
    /// <param name="help">What may be done when there is none; null when that is plain.</param>
    /// <returns>Null when there is none.</returns>
    public static CedarType? UpperBound(CedarType left, CedarType right, bool strict, out string? help)
    {
        help = null;
        if (IsSubtype(left, right, strict)) return right;
        if (IsSubtype(right, left, strict)) return left;
        switch (left, right)
        {
            case (BoolType, BoolType):
                return BoolType.Any;
            case (SetType { Element: { } a }, SetType { Element: { } b }):
                return UpperBound(a, b, strict, out help) is { } element ? new SetType(element) : null;
            case (RecordType a, RecordType b):
                return UpperBound(a, b, strict, out help);
            case (EntityReferenceType a, EntityReferenceType b) when !strict:
                return a.Union(b);
            case (EntityReferenceType, EntityReferenceType):
                help = "entities of different types are not mixed in strict mode, even where one type is in the other";
                return null;
            case (EntityReferenceType, RecordType) or (RecordType, EntityReferenceType):
                help = "an entity is not a record; compare its attributes";
                return null;
            default:
                return null;
        }
    }

    /// <summary>Whether no value can be of both types; false when that is not known.</summary>
    public static bool AreDisjoint(CedarType left, CedarType right) =>
        left is EntityReferenceType a && right is EntityReferenceType b && a.IsDisjointFrom(b);

    /// <summary>The record that has the attributes which both have: there always is one.</summary>
    public static RecordType PermissiveBound(RecordType left, RecordType right)
    {
        var shared = new List<KeyValuePair<string, AttributeType>>();
        foreach (var (name, a) in left.Attributes)
        {
            if (right.Attributes.TryGetValue(name, out var b) && UpperBound(a.Type, b.Type, strict: false, out _) is { } type)
            {
                shared.Add(new(name, new AttributeType(type, a.IsRequired && b.IsRequired)));
            }
        }

        var whole = shared.Count == left.Attributes.Count && shared.Count == right.Attributes.Count;
        return RecordType.Of(shared, isOpen: left.IsOpen || right.IsOpen || !whole);
    }

    private static bool IsSubrecord(RecordType record, RecordType above, bool strict)
    {
        if (record.IsOpen && !above.IsOpen) return false;
        var width = above.IsOpen && !strict;
        return (width || record.HasSameNames(above)) && above.Attributes.All(attribute =>
            record.Attributes.TryGetValue(attribute.Key, out var own)
            && (strict ? own.IsRequired == attribute.Value.IsRequired : own.IsRequired || !attribute.Value.IsRequired)
            && IsSubtype(own.Type, attribute.Value.Type, strict));
    }

    private static RecordType? UpperBound(RecordType left, RecordType right, bool strict, out string? help)
    {
        help = null;
        if (!strict) return PermissiveBound(left, right);
        if (!left.HasSameNames(right))
        {
            help = "records with different attributes are not mixed in strict mode";
            return null;
        }

        var attributes = new List<KeyValuePair<string, AttributeType>>();
        foreach (var (name, a) in left.Attributes)
        {
            var b = right.Attributes[name];
            if (UpperBound(a.Type, b.Type, strict, out help) is not { } type) return null;
            if (a.IsRequired != b.IsRequired)
            {
                help = $"the attribute `{name}` is optional in one of them";
                return null;
            }

            attributes.Add(new(name, new AttributeType(type, a.IsRequired)));
        }

        return RecordType.Of(attributes, left.IsOpen || right.IsOpen);
    }
}
