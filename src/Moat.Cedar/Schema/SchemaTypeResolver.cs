using System.Runtime.CompilerServices;

namespace Moat.Cedar;

/// <summary>Looks up the names in types.</summary>
internal sealed class SchemaTypeResolver(SchemaDefinitions definitions, SchemaProblems problems)
{
    // Common types can nest each other as deep as there are names; what walks over types afterwards is plain recursion.
    private const int MaxDepth = 500;

    private readonly Dictionary<string, CedarType?> common = [];
    private readonly HashSet<string> underWay = [];

    /// <summary>The type that is meant; null after an error, which is reported.</summary>
    public CedarType? Resolve(SchemaScope scope, SchemaType type)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) return TooDeep(scope, type);
        var resolved = type switch
        {
            PrimitiveSchemaType primitive => CedarType.Of(primitive.Kind),
            SetSchemaType set => Resolve(scope, set.Element) is { } element ? new SetType(element) : null,
            RecordSchemaType record => Record(scope, record),
            EntitySchemaType entity => Named(scope, entity.Name, type, common: false, entity: true),
            CommonSchemaType named => Named(scope, named.Name, type, common: true, entity: false),
            NamedSchemaType named => Named(scope, named.Name, type, common: true, entity: true),
            ExtensionSchemaType extension => Extension(scope, extension),
            _ => throw new ArgumentException($"a type of the kind {type.GetType().Name} is not known", nameof(type)),
        };
        if (resolved is { Size: > CedarType.MaxSize })
        {
            problems.Error(scope, type.Span, $"the type is made of more than {CedarType.MaxSize} others");
            return null;
        }

        return resolved is { Depth: > MaxDepth } ? TooDeep(scope, type) : resolved;
    }

    /// <summary>The record that is meant; null after an error, which is reported.</summary>
    /// <param name="scope">Where it stands.</param>
    /// <param name="type">The type.</param>
    /// <param name="what">Of what, for the message.</param>
    public RecordType? ResolveRecord(SchemaScope scope, SchemaType type, string what)
    {
        var resolved = Resolve(scope, type);
        if (resolved is null or RecordType) return (RecordType?)resolved;
        problems.Error(scope, type.Span, $"{what} is no record but {resolved}");
        return null;
    }

    /// <summary>Looks up every common type, those that nothing uses included.</summary>
    public void ResolveCommon()
    {
        foreach (var (name, (scope, type)) in definitions.CommonTypes) Common(name, scope, type.NameSpan);
    }

    private RecordType? Record(SchemaScope scope, RecordSchemaType record)
    {
        var attributes = new List<KeyValuePair<string, AttributeType>>(record.Attributes.Length);
        foreach (var attribute in record.Attributes)
        {
            if (Resolve(scope, attribute.Type) is { } type) attributes.Add(new(attribute.Name, new AttributeType(type, attribute.IsRequired)));
        }

        return attributes.Count == record.Attributes.Length ? RecordType.Of(attributes) : null;
    }

    private CedarType? Named(SchemaScope scope, string name, SchemaType type, bool common, bool entity)
    {
        if (definitions.Find(scope, name, type.Span, common, entity) is not { } found) return null;
        if (common && definitions.IsCommon(found)) return Common(found, scope, type.Span);
        return EntityReferenceType.Of(EntityType.Checked(found));
    }

    private CedarType? Common(string name, SchemaScope user, SourceSpan span)
    {
        if (definitions.BuiltIn(name) is { } kind) return CedarType.Of(kind);
        if (common.TryGetValue(name, out var known)) return known;
        if (!underWay.Add(name))
        {
            problems.Error(user, span, $"the common type `{name}` is made of itself");
            return null;
        }

        var (scope, declaration) = definitions.CommonTypes[name];
        var resolved = Resolve(scope, declaration.Type);
        underWay.Remove(name);
        common.Add(name, resolved);
        return resolved;
    }

    private ExtensionType? Extension(SchemaScope scope, ExtensionSchemaType extension)
    {
        if (SchemaNames.BuiltIn.TryGetValue(extension.Name, out var kind) && CedarType.Of(kind) is ExtensionType type) return type;
        problems.Error(scope, extension.Span, $"there is no extension type `{extension.Name}`");
        return null;
    }

    private CedarType? TooDeep(SchemaScope scope, SchemaType type)
    {
        problems.Error(scope, type.Span, $"types are nested more than {MaxDepth} deep");
        return null;
    }
}
