namespace Moat.Cedar;

/// <summary>What somebody may have meant who wrote an operand of a wrong type.</summary>
internal static class Hints
{
    public static string? IsEmpty(CedarType actual) => IsText(actual) ? "write == \"\" to ask whether a text is empty" : null;

    public static string? Like(CedarType actual) => actual is EntityReferenceType ? "write `is` to ask for an entity's type" : null;

    public static string? Is(CedarType actual) => "`is` asks for the type of an entity; values of other types need no question";

    public static string? Has(CedarType actual) => actual is SetType ? "write set.contains(x) to ask for an element" : IsText(actual) ? LikeInstead : null;

    public static string? In(CedarType actual) => "`in` asks whether an entity is in another; write set.contains(x) to ask for an element";

    public static string? InSet(CedarType actual) => actual is SetType ? "write set.contains(x) to ask for an element" : IsText(actual) ? LikeInstead : null;

    public static string? Contains(CedarType actual) => actual switch
    {
        EntityReferenceType => "write `in` to ask whether an entity is in another",
        RecordType => "write `has` to ask for an attribute",
        _ => IsText(actual) ? LikeInstead : null,
    };

    public static string? ContainsSet(CedarType actual) => "write set.contains(x) to ask for one element";

    public static string? Add(CedarType actual) => IsText(actual) ? "Cedar does not join texts" : Arithmetic(actual);

    public static string? Arithmetic(CedarType actual) => actual is SetType ? "Cedar does not reckon with sets" : null;

    /// <summary>What a constructor reads.</summary>
    public static string Constructor(ExtensionFunction function) => function switch
    {
        ExtensionFunction.Ip => "write an address, as 10.0.0.1 or ::1, or a range, as 10.0.0.0/8",
        ExtensionFunction.Decimal => "write a decimal point with one to four digits behind it, as 1.25",
        ExtensionFunction.DateTime => "write a day, as 2025-01-31, or an instant, as 2025-01-31T12:00:00Z",
        _ => "write numbers with units from days to milliseconds, as 1d2h30m",
    };

    private const string LikeInstead = "write `like` to ask for a part of a text";

    private static bool IsText(CedarType actual) => ReferenceEquals(actual, CedarType.String);
}
