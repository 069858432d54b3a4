using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Policy sets in Cedar's JSON form: <c>staticPolicies</c> and <c>templates</c> by their ids, and <c>templateLinks</c>.</summary>
public static class PolicySetJson
{
    /// <summary>Reads a set; a part that is left out is empty.</summary>
    /// <exception cref="CedarException">It is none, an id is given twice, or a link does not fit its template.</exception>
    public static PolicySet Read(string json) => JsonPlace.Read(json, Read);

    /// <summary>The set as JSON.</summary>
    /// <exception cref="CedarException">A value has no JSON form.</exception>
    public static string Write(PolicySet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        return JsonText.Of(writer =>
        {
            writer.WriteStartObject();
            WritePolicies(writer, "templates", set.Templates);
            WritePolicies(writer, "staticPolicies", set.Policies.Where(static p => p.Link is null));
            writer.WriteStartArray("templateLinks");
            foreach (var policy in set.Policies)
            {
                if (policy.Link is { } link) WriteLink(writer, link);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private static PolicySet Read(JsonPlace place)
    {
        place.AllowOnly("templates", "staticPolicies", "templateLinks");
        var templates = ReadPolicies(place.Find("templates"), true);
        var policies = ReadPolicies(place.Find("staticPolicies"), false);
        var set = PolicySet.Create(templates.Concat(policies));
        var linked = (place.Find("templateLinks")?.Items() ?? []).Select(link => set.Fill(ReadLink(link)));
        return PolicySet.Create(set.Templates.Concat(set.Policies).Concat(linked));
    }

    private static IEnumerable<Policy> ReadPolicies(JsonPlace? place, bool templates)
    {
        foreach (var (id, body) in place?.Properties() ?? [])
        {
            var policy = PolicyJson.Read(body, id);
            if (policy.IsTemplate != templates) throw body.Error(templates ? "a template has a slot" : "a policy has no slot; this is a template");
            yield return policy;
        }
    }

    private static TemplateLink ReadLink(JsonPlace place)
    {
        place.AllowOnly("templateId", "newId", "values");
        var values = place.Property("values");
        values.AllowOnly("?principal", "?resource");
        return new TemplateLink(place.Property("newId").Text(), place.Property("templateId").Text(), Value(values, "?principal"), Value(values, "?resource"));
    }

    private static EntityUid? Value(JsonPlace values, string slot) => values.Find(slot) is { } uid ? ValueJson.ReadUid(uid) : null;

    private static void WritePolicies(Utf8JsonWriter writer, string name, IEnumerable<Policy> policies)
    {
        writer.WriteStartObject(name);
        foreach (var policy in policies)
        {
            writer.WritePropertyName(policy.Id);
            PolicyJson.Write(writer, policy);
        }

        writer.WriteEndObject();
    }

    private static void WriteLink(Utf8JsonWriter writer, TemplateLink link)
    {
        writer.WriteStartObject();
        writer.WriteString("templateId", link.TemplateId);
        writer.WriteString("newId", link.PolicyId);
        writer.WriteStartObject("values");
        if (link.Principal is { } principal) WriteValue(writer, "?principal", principal);
        if (link.Resource is { } resource) WriteValue(writer, "?resource", resource);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, string slot, EntityUid uid)
    {
        writer.WritePropertyName(slot);
        ValueJson.WriteUid(writer, uid);
    }
}
