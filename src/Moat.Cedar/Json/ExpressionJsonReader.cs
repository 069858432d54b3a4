using System.Collections.Immutable;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Reads expressions of the JSON form: an object whose one name is the operator.</summary>
internal static class ExpressionJsonReader
{
    public static Expression Read(JsonPlace place)
    {
        if (!place.IsObject || place.Element.GetPropertyCount() != 1) throw place.Error("an expression is an object with one name, its operator");
        var (name, body) = place.Properties().Single();
        var expression = ReadOperator(name, body);
        return expression.Height <= Expression.MaxHeight ? expression : throw place.Error($"the expression is more than {Expression.MaxHeight} operators high");
    }

    private static Expression ReadOperator(string name, JsonPlace body)
    {
        if (OperatorNames.Find(name) is { } binary)
        {
            body.AllowOnly("left", "right");
            return new BinaryExpression(binary, Read(body.Property("left")), Read(body.Property("right")));
        }

        if (ExtensionFunctions.Find(name) is { } function) return new CallExpression(function.Function, ReadAll(body));
        return name switch
        {
            "Value" => LiteralJson.Read(body),
            "Var" => new VariableExpression(ReadVariable(body)),
            "Slot" => throw body.Error("a slot cannot stand in a condition"),
            "!" => Unary(UnaryOperator.Not, body),
            "neg" => Unary(UnaryOperator.Negate, body),
            "isEmpty" => Unary(UnaryOperator.IsEmpty, body),
            "." => GetAttribute(body),
            "has" => Has(body),
            "like" => Like(body),
            "is" => Is(body),
            "if-then-else" => Conditional(body),
            "Set" => new SetExpression(ReadAll(body)),
            "Record" => ReadRecord(body),
            _ => throw body.Error("there is no such operator"),
        };
    }

    // Loops, since the sequences of the library take much of the stack on every level.
    private static ImmutableArray<Expression> ReadAll(JsonPlace body)
    {
        var elements = ImmutableArray.CreateBuilder<Expression>();
        foreach (var item in body.Items()) elements.Add(Read(item));
        return elements.ToImmutable();
    }

    private static RecordExpression ReadRecord(JsonPlace body)
    {
        var fields = ImmutableArray.CreateBuilder<KeyValuePair<string, Expression>>();
        foreach (var (name, value) in body.Properties()) fields.Add(new(name, Read(value)));
        return new RecordExpression(fields.ToImmutable());
    }

    private static UnaryExpression Unary(UnaryOperator symbol, JsonPlace body)
    {
        body.AllowOnly("arg");
        return new UnaryExpression(symbol, Read(body.Property("arg")));
    }

    private static GetAttributeExpression GetAttribute(JsonPlace body)
    {
        body.AllowOnly("left", "attr");
        return new GetAttributeExpression(Read(body.Property("left")), body.Property("attr").Text());
    }

    private static HasAttributeExpression Has(JsonPlace body)
    {
        var attribute = body.Property("attr");
        ImmutableArray<string> path = attribute.Element.ValueKind == JsonValueKind.String ? [attribute.Text()] : [.. attribute.Items().Select(i => i.Text())];
        if (path.IsEmpty) throw attribute.Error("a name is expected");
        return new HasAttributeExpression(Read(body.Property("left")), path);
    }

    private static LikeExpression Like(JsonPlace body)
    {
        body.AllowOnly("left", "pattern");
        var pattern = LikePattern.Create(body.Property("pattern").Items().Select(ReadPatternElement));
        return new LikeExpression(Read(body.Property("left")), pattern);
    }

    private static string? ReadPatternElement(JsonPlace item)
    {
        if (item.Find("Literal") is { } literal && item.Element.GetPropertyCount() == 1) return literal.Text();
        return item.Element.ValueKind == JsonValueKind.String && item.Text() == "Wildcard" ? null : throw item.Error("\"Wildcard\" or {\"Literal\": …} is expected");
    }

    private static IsExpression Is(JsonPlace body)
    {
        body.AllowOnly("left", "entity_type", "in");
        return new IsExpression(Read(body.Property("left")), ReadType(body.Property("entity_type")), body.Optional("in") is { } ancestor ? Read(ancestor) : null);
    }

    private static ConditionalExpression Conditional(JsonPlace body)
    {
        body.AllowOnly("if", "then", "else");
        return new ConditionalExpression(Read(body.Property("if")), Read(body.Property("then")), Read(body.Property("else")));
    }

    public static EntityType ReadType(JsonPlace place) =>
        CedarName.IsName(place.Text()) ? EntityType.Checked(place.Text()) : throw place.Error("this is no name of an entity type");

    private static Variable ReadVariable(JsonPlace place) => place.Text() switch
    {
        "principal" => Variable.Principal,
        "action" => Variable.Action,
        "resource" => Variable.Resource,
        "context" => Variable.Context,
        _ => throw place.Error("there is no such variable"),
    };
}
