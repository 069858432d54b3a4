using System.Collections.Immutable;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Policies and templates in Cedar's JSON form.</summary>
public static class PolicyJson
{
    /// <summary>Reads one policy or template.</summary>
    /// <param name="json">An object with effect, principal, action, resource, conditions and perhaps annotations.</param>
    /// <param name="id">The id that it gets; the form has none.</param>
    /// <exception cref="CedarException">It is none.</exception>
    public static Policy Read(string json, string id) => JsonPlace.Read(json, place => Read(place, id));

    /// <summary>The policy or template as JSON.</summary>
    /// <exception cref="CedarException">A value has no JSON form.</exception>
    public static string Write(Policy policy) => JsonText.Of(writer => Write(writer, policy));

    /// <inheritdoc cref="Write(Policy)"/>
    public static void Write(Utf8JsonWriter writer, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(policy);
        writer.WriteStartObject();
        writer.WriteString("effect", policy.Effect == Effect.Permit ? "permit" : "forbid");
        ScopeJson.Write(writer, "principal", policy.Principal);
        ScopeJson.Write(writer, "action", policy.Action);
        ScopeJson.Write(writer, "resource", policy.Resource);
        writer.WriteStartArray("conditions");
        foreach (var condition in policy.Conditions)
        {
            writer.WriteStartObject();
            writer.WriteString("kind", condition.IsUnless ? "unless" : "when");
            writer.WritePropertyName("body");
            ExpressionJsonWriter.Write(writer, condition.Body);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (!policy.Annotations.IsEmpty) WriteAnnotations(writer, policy.Annotations);
        writer.WriteEndObject();
    }

    internal static Policy Read(JsonPlace place, string id)
    {
        place.AllowOnly("effect", "principal", "action", "resource", "conditions", "annotations");
        var effect = place.Property("effect");
        return new Policy
        {
            Id = id,
            Effect = effect.Text() switch { "permit" => Effect.Permit, "forbid" => Effect.Forbid, _ => throw effect.Error("permit or forbid is expected") },
            Principal = ScopeJson.Read(place.Property("principal"), Variable.Principal),
            Action = ScopeJson.Read(place.Property("action"), Variable.Action),
            Resource = ScopeJson.Read(place.Property("resource"), Variable.Resource),
            Conditions = [.. place.Property("conditions").Items().Select(ReadCondition)],
            Annotations = place.Find("annotations") is { } annotations ? [.. annotations.Properties().Select(p => ReadAnnotation(p.Key, p.Value))] : [],
        };
    }

    private static Condition ReadCondition(JsonPlace place)
    {
        place.AllowOnly("kind", "body");
        var kind = place.Property("kind");
        var isUnless = kind.Text() switch { "when" => false, "unless" => true, _ => throw kind.Error("when or unless is expected") };
        return new Condition(isUnless, ExpressionJsonReader.Read(place.Property("body")), default);
    }

    private static Annotation ReadAnnotation(string name, JsonPlace value)
    {
        if (!CedarName.IsIdentifier(name)) throw value.Error("the name of an annotation is an identifier");
        return new Annotation(name, value.Element.ValueKind == JsonValueKind.Null ? null : value.Text(), default);
    }

    private static void WriteAnnotations(Utf8JsonWriter writer, ImmutableArray<Annotation> annotations)
    {
        writer.WriteStartObject("annotations");
        foreach (var annotation in annotations.OrderBy(static a => a.Name, StringComparer.Ordinal)) writer.WriteString(annotation.Name, annotation.Value);
        writer.WriteEndObject();
    }
}
