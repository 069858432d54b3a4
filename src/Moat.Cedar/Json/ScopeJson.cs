using System.Text.Json;

namespace Moat.Cedar;

/// <summary>The constraints of a scope in the JSON form: an object whose <c>op</c> says which.</summary>
internal static class ScopeJson
{
    public static ScopeConstraint Read(JsonPlace place, Variable variable)
    {
        var operation = place.Property("op");
        switch (operation.Text())
        {
            case "All" or "all":
                place.AllowOnly("op");
                return AnyScope.Instance;
            case "==":
                place.AllowOnly("op", "entity", "slot");
                return new EqualScope(ReadEntity(place, variable));
            case "in" when variable == Variable.Action && place.Find("entities") is { } entities:
                place.AllowOnly("op", "entities");
                return new InSetScope([.. entities.Items().Select(ReadAction)]);
            case "in":
                place.AllowOnly("op", "entity", "slot");
                return new InScope(ReadEntity(place, variable));
            case "is" when variable != Variable.Action:
                place.AllowOnly("op", "entity_type", "in");
                return new IsScope(ExpressionJsonReader.ReadType(place.Property("entity_type")), place.Optional("in") is { } ancestor ? ReadEntity(ancestor, variable) : null);
            default:
                throw operation.Error("there is no such constraint here");
        }
    }

    public static void Write(Utf8JsonWriter writer, string name, ScopeConstraint constraint)
    {
        writer.WriteStartObject(name);
        switch (constraint)
        {
            case EqualScope equal:
                writer.WriteString("op", "==");
                WriteEntity(writer, equal.Entity);
                break;
            case InScope within:
                writer.WriteString("op", "in");
                WriteEntity(writer, within.Entity);
                break;
            case InSetScope { Entities: [var single] }:
                // Cedar keeps no difference between an action and a set of one.
                writer.WriteString("op", "in");
                WriteEntity(writer, new EntityOrSlot(single));
                break;
            case InSetScope set:
                writer.WriteString("op", "in");
                writer.WriteStartArray("entities");
                foreach (var uid in set.Entities) ValueJson.WriteUid(writer, uid);
                writer.WriteEndArray();
                break;
            case IsScope test:
                writer.WriteString("op", "is");
                writer.WriteString("entity_type", test.Type.Name);
                if (test.Entity is { } ancestor)
                {
                    writer.WriteStartObject("in");
                    WriteEntity(writer, ancestor);
                    writer.WriteEndObject();
                }

                break;
            default:
                writer.WriteString("op", "All");
                break;
        }

        writer.WriteEndObject();
    }

    private static EntityOrSlot ReadEntity(JsonPlace place, Variable variable)
    {
        if (place.Find("slot") is { } slot)
        {
            if (place.Find("entity") is { } beside) throw beside.Error("beside a slot there is no such property");
            return (slot.Text(), variable) switch
            {
                ("?principal", Variable.Principal) => new EntityOrSlot(Slot.Principal),
                ("?resource", Variable.Resource) => new EntityOrSlot(Slot.Resource),
                _ => throw slot.Error("this slot cannot stand here"),
            };
        }

        var entity = place.Property("entity");
        return new EntityOrSlot(variable == Variable.Action ? ReadAction(entity) : ValueJson.ReadUid(entity));
    }

    private static EntityUid ReadAction(JsonPlace place)
    {
        var uid = ValueJson.ReadUid(place);
        return uid.Type.IsAction ? uid : throw place.Error($"{uid} is no action");
    }

    private static void WriteEntity(Utf8JsonWriter writer, EntityOrSlot entity)
    {
        if (entity.Uid is not { } uid)
        {
            writer.WriteString("slot", entity.ToString());
            return;
        }

        writer.WritePropertyName("entity");
        ValueJson.WriteUid(writer, uid);
    }
}
