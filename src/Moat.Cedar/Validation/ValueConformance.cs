using System.Runtime.CompilerServices;

namespace Moat.Cedar;

/// <summary>Checks values against types, and the entities in them against a schema.</summary>
internal sealed class ValueConformance(CedarSchema schema, List<Diagnostic> errors)
{
    /// <summary>Checks a value and all that is in it.</summary>
    /// <param name="place">What the value is, for messages.</param>
    /// <param name="value">The value.</param>
    /// <param name="type">What it has to be.</param>
    public void Check(string place, CedarValue value, CedarType type)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            Error($"{place} is nested too deep to be checked");
            return;
        }

        switch (type)
        {
            case RecordType record when value.AsRecord() is { } fields:
                Record(place, fields, record);
                break;
            case SetType set when value.AsSet() is { } elements:
                foreach (var element in elements.Elements) Check($"an element of {place}", element, set.Element!);
                break;
            case EntityReferenceType entity when value.AsEntity() is { } uid:
                if (!entity.Contains(uid.Type)) Error($"{place} is {uid}, but {type} belongs there");
                CheckUid(place, uid);
                break;
            default:
                if (!Fits(value.Kind, type)) Error($"{place} is of the kind {value.Kind}, but {type} belongs there");
                break;
        }
    }

    /// <summary>Checks that an enumerated type has the entity, and that an action is declared.</summary>
    public void CheckUid(string place, EntityUid uid)
    {
        if (uid.Type.IsAction && schema.Find(uid) is null) Error($"{place} is {uid}, which is not declared");
        else if (schema.Find(uid.Type) is { } type && !type.Allows(uid.Id)) Error($"{place} is {uid}, but its type is enumerated and has no such entity");
    }

    private void Record(string place, CedarRecord fields, RecordType type)
    {
        foreach (var (name, value) in fields.Fields)
        {
            if (type.Attributes.TryGetValue(name, out var attribute)) Check($"{CedarString.Quote(name)} in {place}", value, attribute.Type);
            else Error($"{CedarString.Quote(name)} does not belong in {place}");
        }

        foreach (var (name, attribute) in type.Attributes)
        {
            if (attribute.IsRequired && !fields.ContainsKey(name)) Error($"{CedarString.Quote(name)} is missing in {place}");
        }
    }

    private static bool Fits(CedarKind kind, CedarType type) => kind switch
    {
        CedarKind.Bool => type is BoolType,
        CedarKind.Long => ReferenceEquals(type, CedarType.Long),
        CedarKind.String => ReferenceEquals(type, CedarType.String),
        _ => type is ExtensionType extension && extension.Kind == kind,
    };

    private void Error(string message) => errors.Add(new Diagnostic(DiagnosticSeverity.Error, message));
}
