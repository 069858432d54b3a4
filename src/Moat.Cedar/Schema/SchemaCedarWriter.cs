using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Moat.Cedar;

/// <summary>Writes a schema in the Cedar form.</summary>
internal sealed class SchemaCedarWriter
{
    private readonly StringBuilder text = new();

    public static string Write(SchemaFragment schema)
    {
        if (Problems(schema).ToList() is { Count: > 0 } problems) throw new CedarException(problems);
        var writer = new SchemaCedarWriter();
        foreach (var space in schema.Namespaces.OrderBy(n => n.Name, StringComparer.Ordinal)) writer.Namespace(space);
        return writer.text.ToString();
    }

    // JSON tells entity types and common types apart and takes any type as a shape; the Cedar form does neither.
    private static IEnumerable<Diagnostic> Problems(SchemaFragment schema)
    {
        foreach (var space in schema.Namespaces)
        {
            var common = space.CommonTypes.Select(t => t.Name).ToHashSet();
            foreach (var type in space.EntityTypes)
            {
                var name = SchemaNames.Qualify(space.Name, type.Name);
                if (space.Name.Length > 0 && common.Contains(type.Name)) yield return Problem($"`{name}` is an entity type and a common type");
                if (type.Shape is not RecordSchemaType) yield return Problem($"the shape of `{name}` is no record but the name of one");
            }
        }

        static Diagnostic Problem(string what) => new(DiagnosticSeverity.Error, $"the Cedar form cannot say this: {what}");
    }

    private void Namespace(SchemaNamespace space)
    {
        if (text.Length > 0) text.Append('\n');
        var indent = space.Name.Length == 0 ? "" : "  ";
        if (space.Name.Length > 0)
        {
            Annotations(space.Annotations, "");
            text.Append(CultureInfo.InvariantCulture, $"namespace {space.Name} {{\n");
        }

        var first = true;
        foreach (var type in space.CommonTypes.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            Begin(ref first, type.Annotations, indent);
            text.Append(CultureInfo.InvariantCulture, $"type {type.Name} = ");
            Type(type.Type, indent);
            text.Append(";\n");
        }

        foreach (var type in space.EntityTypes.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            Begin(ref first, type.Annotations, indent);
            EntityType(type, indent);
        }

        foreach (var action in space.Actions.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            Begin(ref first, action.Annotations, indent);
            Action(action, indent);
        }

        if (space.Name.Length > 0) text.Append("}\n");
    }

    private void Begin(ref bool first, ImmutableArray<Annotation> annotations, string indent)
    {
        if (!first) text.Append('\n');
        first = false;
        Annotations(annotations, indent);
        text.Append(indent);
    }

    private void EntityType(EntityTypeDeclaration type, string indent)
    {
        text.Append("entity ").Append(type.Name);
        if (!type.Choices.IsEmpty) text.Append(" enum [").AppendJoin(", ", type.Choices.Select(c => CedarString.Quote(c))).Append(']');
        if (!type.Parents.IsEmpty) List(" in ", type.Parents);
        if (type.Shape is not RecordSchemaType { Attributes.IsEmpty: true })
        {
            text.Append(" = ");
            Type(type.Shape, indent);
        }

        if (type.Tags is not null)
        {
            text.Append(" tags ");
            Type(type.Tags, "");
        }

        text.Append(";\n");
    }

    private void Action(ActionDeclaration action, string indent)
    {
        text.Append("action ").Append(CedarString.Quote(action.Name));
        if (!action.Groups.IsEmpty)
        {
            text.Append(" in [").AppendJoin(", ", action.Groups.Select(g =>
                g.Type is null ? CedarString.Quote(g.Id) : $"{g.Type}::{CedarString.Quote(g.Id)}")).Append(']');
        }

        if (action.AppliesTo is { Principals.IsEmpty: false, Resources.IsEmpty: false } application)
        {
            var inner = indent + "  ";
            text.Append(" appliesTo {\n").Append(inner);
            List("principal: ", application.Principals);
            text.Append(",\n").Append(inner);
            List("resource: ", application.Resources);
            text.Append(",\n").Append(inner).Append("context: ");
            Type(application.Context, inner);
            text.Append('\n').Append(indent).Append('}');
        }

        text.Append(";\n");
    }

    private void Type(SchemaType type, string indent)
    {
        switch (type)
        {
            case PrimitiveSchemaType primitive:
                text.Append(CedarName.ReservedNamespace).Append("::").Append(primitive.Kind);
                break;
            case ExtensionSchemaType extension:
                text.Append(CedarName.ReservedNamespace).Append("::").Append(extension.Name);
                break;
            case SetSchemaType set:
                text.Append("Set<");
                Type(set.Element, indent);
                text.Append('>');
                break;
            case RecordSchemaType record:
                Record(record, indent);
                break;
            case EntitySchemaType entity:
                text.Append(entity.Name);
                break;
            case NamedSchemaType named:
                text.Append(named.Name);
                break;
            case CommonSchemaType common:
                text.Append(common.Name);
                break;
        }
    }

    private void Record(RecordSchemaType record, string indent)
    {
        if (record.Attributes.IsEmpty)
        {
            text.Append("{}");
            return;
        }

        var inner = indent + "  ";
        text.Append("{\n");
        var left = record.Attributes.Length;
        foreach (var attribute in record.Attributes.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            Annotations(attribute.Annotations, inner);
            var plain = CedarName.IsIdentifier(attribute.Name) && !CedarName.IsReserved(attribute.Name);
            text.Append(inner).Append(plain ? attribute.Name : CedarString.Quote(attribute.Name)).Append(attribute.IsRequired ? ": " : "?: ");
            Type(attribute.Type, inner);
            text.Append(--left > 0 ? ",\n" : "\n");
        }

        text.Append(indent).Append('}');
    }

    private void List(string before, ImmutableArray<SchemaName> names) => text.Append(before).Append('[').AppendJoin(", ", names.Select(n => n.Name)).Append(']');

    private void Annotations(ImmutableArray<Annotation> annotations, string indent)
    {
        foreach (var annotation in annotations.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            text.Append(indent).Append('@').Append(annotation.Name);
            if (annotation.Value is { } value) text.Append('(').Append(CedarString.Quote(value)).Append(')');
            text.Append('\n');
        }
    }
}
