namespace Moat.Cedar;

/// <summary>
/// What a schema expects of a value. It lets JSON leave out the escapes: an entity as <c>{type, id}</c>, an extension value as
/// the text that its constructor reads. It checks nothing.
/// </summary>
internal abstract record ValueShape
{
    private protected ValueShape()
    {
    }
}

/// <summary>An entity, of whatever type.</summary>
internal sealed record EntityValueShape : ValueShape;

/// <summary>A value of an extension type.</summary>
/// <param name="Constructor">The function that reads its text.</param>
internal sealed record ExtensionValueShape(ExtensionFunction Constructor) : ValueShape;

/// <summary>A set.</summary>
internal sealed record SetValueShape(ValueShape? Element) : ValueShape;

/// <summary>A record.</summary>
/// <param name="Fields">The fields of which something is expected.</param>
internal sealed record RecordValueShape(IReadOnlyDictionary<string, ValueShape> Fields) : ValueShape;

/// <summary>What a schema expects of an entity.</summary>
/// <param name="Attributes">Of its attributes.</param>
/// <param name="Tags">Of each of its tags.</param>
internal sealed record EntityShape(RecordValueShape? Attributes, ValueShape? Tags);
