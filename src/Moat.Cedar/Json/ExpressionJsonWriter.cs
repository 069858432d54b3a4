using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Writes expressions of the JSON form as Cedar writes them.</summary>
internal static class ExpressionJsonWriter
{
    public static void Write(Utf8JsonWriter writer, Expression expression)
    {
        writer.WriteStartObject();
        switch (expression)
        {
            case LiteralExpression literal:
                writer.WritePropertyName("Value");
                ValueJson.Write(writer, literal.Value);
                break;
            case VariableExpression variable:
                writer.WriteString("Var", NameOf(variable.Variable));
                break;
            case UnaryExpression unary:
                writer.WriteStartObject(unary.Operator switch { UnaryOperator.Not => "!", UnaryOperator.Negate => "neg", _ => "isEmpty" });
                Property(writer, "arg", unary.Operand);
                writer.WriteEndObject();
                break;
            case BinaryExpression binary:
                Pair(writer, binary.Operator, binary.Left, binary.Right);
                break;
            case ConditionalExpression choice:
                writer.WriteStartObject("if-then-else");
                Property(writer, "if", choice.Condition);
                Property(writer, "then", choice.Then);
                Property(writer, "else", choice.Else);
                writer.WriteEndObject();
                break;
            case GetAttributeExpression get:
                writer.WriteStartObject(".");
                Property(writer, "left", get.Target);
                writer.WriteString("attr", get.Name);
                writer.WriteEndObject();
                break;
            case HasAttributeExpression has:
                Has(writer, has, has.Path.Length);
                break;
            case LikeExpression like:
                Like(writer, like);
                break;
            case IsExpression test:
                writer.WriteStartObject("is");
                Property(writer, "left", test.Target);
                writer.WriteString("entity_type", test.Type.Name);
                if (test.Ancestor is not null) Property(writer, "in", test.Ancestor);
                writer.WriteEndObject();
                break;
            case SetExpression set:
                List(writer, "Set", set.Elements);
                break;
            case RecordExpression record:
                writer.WriteStartObject("Record");
                foreach (var (name, value) in record.Fields.OrderBy(static f => f.Key, StringComparer.Ordinal)) Property(writer, name, value);
                writer.WriteEndObject();
                break;
            case CallExpression call:
                List(writer, call.Function.Name(), call.Arguments);
                break;
        }

        writer.WriteEndObject();
    }

    public static string NameOf(Variable variable) => variable switch
    {
        Variable.Principal => "principal",
        Variable.Action => "action",
        Variable.Resource => "resource",
        _ => "context",
    };

    private static void Property(Utf8JsonWriter writer, string name, Expression value)
    {
        writer.WritePropertyName(name);
        Write(writer, value);
    }

    private static void Pair(Utf8JsonWriter writer, BinaryOperator symbol, Expression left, Expression right)
    {
        writer.WriteStartObject(symbol.Name());
        Property(writer, "left", left);
        Property(writer, "right", right);
        writer.WriteEndObject();
    }

    private static void List(Utf8JsonWriter writer, string name, IEnumerable<Expression> elements)
    {
        writer.WriteStartArray(name);
        foreach (var element in elements) Write(writer, element);
        writer.WriteEndArray();
    }

    // The JSON form spells a path out: x has a && x.a has b.
    private static void Has(Utf8JsonWriter writer, HasAttributeExpression has, int steps)
    {
        if (steps > 1)
        {
            Expression before = new HasAttributeExpression(has.Target, has.Path[..(steps - 1)]);
            var target = has.Path[..(steps - 1)].Aggregate(has.Target, static (inner, name) => new GetAttributeExpression(inner, name));
            Pair(writer, BinaryOperator.And, before, new HasAttributeExpression(target, [has.Path[steps - 1]]));
            return;
        }

        writer.WriteStartObject("has");
        Property(writer, "left", has.Target);
        writer.WriteString("attr", has.Path[0]);
        writer.WriteEndObject();
    }

    // Cedar writes every character of a pattern by itself.
    private static void Like(Utf8JsonWriter writer, LikeExpression like)
    {
        writer.WriteStartObject("like");
        Property(writer, "left", like.Target);
        writer.WriteStartArray("pattern");
        foreach (var element in like.Pattern.Elements)
        {
            if (element is null)
            {
                writer.WriteStringValue("Wildcard");
                continue;
            }

            foreach (var rune in element.EnumerateRunes())
            {
                writer.WriteStartObject();
                writer.WriteString("Literal", rune.ToString());
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
