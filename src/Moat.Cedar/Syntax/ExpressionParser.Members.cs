using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Literals, names, brackets, and what follows them after a dot.</summary>
internal sealed partial class ExpressionParser
{
    private static bool StartsAccess(TokenKind kind) => kind is TokenKind.Dot or TokenKind.OpenParenthesis or TokenKind.OpenBracket;

    private Expression? Member()
    {
        var expression = Primary();
        while (expression is not null && StartsAccess(reader.Current.Kind))
        {
            expression = reader.Current.Kind switch
            {
                TokenKind.Dot => AfterDot(expression),
                TokenKind.OpenBracket => Index(expression),
                _ => CallOfExpression(expression),
            };
            if (expression is not null) expression = Limit(expression);
        }

        return expression;
    }

    private Expression? AfterDot(Expression target)
    {
        reader.Next();
        if (reader.Current.Kind != TokenKind.Identifier)
        {
            reader.Unexpected("an attribute's or a method's name");
            return null;
        }

        var name = reader.Next();
        reader.ReportReserved(name);
        var text = reader.Source[name.Span].ToString();
        if (reader.Current.Kind != TokenKind.OpenParenthesis) return new GetAttributeExpression(target, text) { Span = target.Span.To(name.Span) };
        return Arguments() is { } arguments ? Method(target, name.Span, text, arguments) : null;
    }

    private GetAttributeExpression? Index(Expression target)
    {
        reader.Next();
        if (reader.Current.Kind != TokenKind.String || reader.Peek().Kind != TokenKind.CloseBracket)
        {
            if (reader.Current.Kind == TokenKind.String) reader.Next();
            reader.Unexpected(reader.Previous.Length > 0 && reader.Source[reader.Previous][0] == '"' ? "]" : "an attribute's name in quotes");
            return null;
        }

        var text = reader.Next();
        reader.Next();
        return new GetAttributeExpression(target, reader.ReadString(text)) { Span = target.Span.To(reader.Previous) };
    }

    private LiteralExpression? CallOfExpression(Expression target)
    {
        if (Arguments() is null) return null;
        var span = target.Span.To(reader.Previous);
        reader.Error(span, target is VariableExpression ? "a variable is no function" : "only a name can be called");
        return Placeholder(span);
    }

    private Expression Method(Expression target, SourceSpan nameSpan, string name, ImmutableArray<Expression> arguments)
    {
        var span = target.Span.To(reader.Previous);
        BinaryOperator? binary = name switch
        {
            "contains" => BinaryOperator.Contains,
            "containsAll" => BinaryOperator.ContainsAll,
            "containsAny" => BinaryOperator.ContainsAny,
            "getTag" => BinaryOperator.GetTag,
            "hasTag" => BinaryOperator.HasTag,
            _ => null,
        };
        if (binary is { } symbol)
        {
            return HasArity(span, name, 1, arguments) ? new BinaryExpression(symbol, target, arguments[0]) { Span = span } : Placeholder(span);
        }

        if (name == "isEmpty")
        {
            return HasArity(span, name, 0, arguments) ? new UnaryExpression(UnaryOperator.IsEmpty, target) { Span = span } : Placeholder(span);
        }

        if (ExtensionFunctions.Find(name) is { IsMethod: true } method)
        {
            return new CallExpression(method.Function, [target, .. arguments]) { Span = span };
        }

        if (ExtensionFunctions.Find(name) is not null) reader.Error(nameSpan, $"`{name}` is a function, not a method", $"write {name}(…)");
        else reader.Error(nameSpan, $"there is no method `{name}`", Suggestion(name, true));
        return Placeholder(span);
    }

    private bool HasArity(SourceSpan span, string name, int count, ImmutableArray<Expression> arguments)
    {
        if (arguments.Length == count) return true;
        reader.Error(span, $"`{name}` takes {(count == 0 ? "no argument" : "one argument")}, not {arguments.Length}");
        return false;
    }

    private Expression? Primary()
    {
        var token = reader.Current;
        switch (token.Kind)
        {
            case TokenKind.Integer:
                return Integer(reader.Next(), null);
            case TokenKind.String:
                reader.Next();
                return new LiteralExpression(CedarValue.String(reader.ReadString(token))) { Span = token.Span };
            case TokenKind.Identifier when reader.Peek().Kind != TokenKind.DoubleColon && reader.CurrentText is "true" or "false":
                reader.Next();
                return new LiteralExpression(CedarValue.Bool(token.Span.Length == "true".Length)) { Span = token.Span };
            case TokenKind.Identifier when reader.IsWord("if") && reader.Peek().Kind != TokenKind.DoubleColon:
                reader.Error(token.Span, "`if` cannot be an operand", "put the whole if … then … else … in parentheses");
                return null;
            case TokenKind.Identifier:
                return NameOrEntity();
            case TokenKind.Slot:
                reader.Next();
                reader.Error(token.Span, "a slot cannot stand in a condition", "slots fill the scope: principal == ?principal");
                return Placeholder(token.Span);
            case TokenKind.OpenParenthesis:
                reader.Next();
                return Parse() is { } inner && reader.Expect(TokenKind.CloseParenthesis, ")") ? inner : null;
            case TokenKind.OpenBracket:
                return List(TokenKind.CloseBracket, "]") is { } elements ? new SetExpression(elements) { Span = token.Span.To(reader.Previous) } : null;
            case TokenKind.OpenBrace:
                return Record();
            default:
                reader.Unexpected("an expression");
                return null;
        }
    }

    private ImmutableArray<Expression>? Arguments() => List(TokenKind.CloseParenthesis, ")");

    // Expressions between the bracket that stands here and its fellow; a comma may follow the last.
    private ImmutableArray<Expression>? List(TokenKind close, string closeText)
    {
        reader.Next();
        var elements = ImmutableArray.CreateBuilder<Expression>();
        while (!reader.Accept(close))
        {
            if (Parse() is not { } element) return null;
            elements.Add(element);
            if (reader.Current.Kind != close && !reader.Expect(TokenKind.Comma, ",", closeText)) return null;
        }

        return elements.ToImmutable();
    }

    private RecordExpression? Record()
    {
        var start = reader.Next().Span;
        var fields = ImmutableArray.CreateBuilder<KeyValuePair<string, Expression>>();
        var names = new HashSet<string>();
        while (!reader.Accept(TokenKind.CloseBrace))
        {
            var key = reader.Current;
            if (key.Kind is not (TokenKind.Identifier or TokenKind.String) || reader.Peek().Kind != TokenKind.Colon)
            {
                if (key.Kind is TokenKind.Identifier or TokenKind.String) reader.Next();
                reader.Unexpected(key.Kind is TokenKind.Identifier or TokenKind.String ? [":"] : ["a field's name", "}"]);
                return null;
            }

            reader.Next();
            reader.Next();
            if (key.Kind == TokenKind.Identifier) reader.ReportReserved(key);
            var name = key.Kind == TokenKind.String ? reader.ReadString(key) : reader.Source[key.Span].ToString();
            if (!names.Add(name)) reader.Error(key.Span, $"the field `{name}` is given twice");
            if (Parse() is not { } value) return null;
            fields.Add(new(name, value));
            if (reader.Current.Kind != TokenKind.CloseBrace && !reader.Expect(TokenKind.Comma, ",", "}")) return null;
        }

        return new RecordExpression(fields.ToImmutable()) { Span = start.To(reader.Previous) };
    }

    private Expression? NameOrEntity()
    {
        var name = Name();
        if (name.EndsInColons)
        {
            var id = reader.Current;
            if (id.Kind != TokenKind.String)
            {
                if (id.Kind == TokenKind.OpenBrace) reader.Error(id.Span, "an entity cannot be written as a record", "write Type::\"id\"");
                else reader.Unexpected("a name", "an entity's id in quotes");
                return null;
            }

            reader.Next();
            return new LiteralExpression(CedarValue.Entity(new EntityUid(EntityType.Checked(name.Text), reader.ReadString(id)))) { Span = name.Span.To(id.Span) };
        }

        Variable? variable = name.Text switch
        {
            "principal" => Variable.Principal,
            "action" => Variable.Action,
            "resource" => Variable.Resource,
            "context" => Variable.Context,
            _ => null,
        };
        if (variable is { } known) return new VariableExpression(known) { Span = name.Span };
        return reader.Current.Kind == TokenKind.OpenParenthesis ? Function(name) : UnknownVariable(name);
    }

    private Expression? Function(QualifiedName name)
    {
        if (Arguments() is not { } arguments) return null;
        var span = name.Span.To(reader.Previous);
        if (ExtensionFunctions.Find(name.Text) is { IsMethod: false } function) return new CallExpression(function.Function, arguments) { Span = span };
        var isMethod = ExtensionFunctions.Find(name.Text) is not null || name.Text is "contains" or "containsAll" or "containsAny" or "isEmpty" or "getTag" or "hasTag";
        if (isMethod) reader.Error(name.Span, $"`{name.Text}` is a method, not a function", $"write x.{name.Text}(…)");
        else reader.Error(name.Span, $"there is no function `{name.Text}`", Suggestion(name.Text, false));
        return Placeholder(span);
    }

    private LiteralExpression UnknownVariable(QualifiedName name)
    {
        reader.Error(name.Span, $"`{name.Text}` is no variable", $"the variables are principal, action, resource and context; write \"{name.Text}\" for the text");
        return Placeholder(name.Span);
    }

    // Identifiers joined by "::", the last of which may stand before a string that this leaves to the caller.
    private QualifiedName Name()
    {
        var start = reader.Current.Span;
        var text = new System.Text.StringBuilder();
        while (true)
        {
            if (reader.Current.Kind != TokenKind.Identifier) return new QualifiedName(text.ToString(), start.To(reader.Previous), true);
            var part = reader.Next();
            reader.ReportReserved(part);
            if (text.Length > 0) text.Append("::");
            text.Append(reader.Source[part.Span]);
            if (!reader.Accept(TokenKind.DoubleColon)) return new QualifiedName(text.ToString(), start.To(part.Span), false);
        }
    }

    private static string? Suggestion(string name, bool methods)
    {
        var known = ExtensionFunctions.All.Where(f => f.IsMethod == methods).Select(f => f.Name);
        if (methods) known = known.Concat(["contains", "containsAll", "containsAny", "isEmpty", "getTag", "hasTag"]);
        var near = known.FirstOrDefault(k => string.Equals(k, name, StringComparison.OrdinalIgnoreCase) || k.StartsWith(name, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(k, StringComparison.OrdinalIgnoreCase));
        return near is null ? null : $"did you mean `{near}`?";
    }

    private readonly record struct QualifiedName(string Text, SourceSpan Span, bool EndsInColons);
}
