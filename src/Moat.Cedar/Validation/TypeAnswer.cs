namespace Moat.Cedar;

/// <summary>What the checker says of an expression.</summary>
/// <param name="Type">Its type, after an error the one that it would have; null when that cannot be said.</param>
/// <param name="Capabilities">What is known when the expression is true.</param>
/// <param name="Holds">False after an error in it or below it.</param>
internal readonly record struct TypeAnswer(CedarType? Type, CapabilitySet Capabilities, bool Holds)
{
    public static TypeAnswer Of(CedarType type, CapabilitySet capabilities = default) => new(type, capabilities, true);

    public static TypeAnswer Failed(CedarType? type = null) => new(type, default, false);

    /// <summary>This answer when the one on which it rests holds; else the same type, failed.</summary>
    public TypeAnswer After(TypeAnswer earlier) => earlier.Holds ? this : Failed(Type);

    /// <summary>As <see cref="After(TypeAnswer)"/> for two.</summary>
    public TypeAnswer After(TypeAnswer first, TypeAnswer second) => first.Holds && second.Holds ? this : Failed(Type);
}
