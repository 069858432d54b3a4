using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Reads the scope between its parentheses: a constraint for the principal, the action and the resource.</summary>
internal sealed class ScopeParser(TokenReader reader, ExpressionParser expressions)
{
    private static readonly string[] Names = ["principal", "action", "resource"];

    /// <summary>The three constraints; null when the text cannot be read on. The opening parenthesis has been read.</summary>
    public (ScopeConstraint Principal, ScopeConstraint Action, ScopeConstraint Resource)? Read()
    {
        var constraints = new ScopeConstraint[] { AnyScope.Instance, AnyScope.Instance, AnyScope.Instance };
        var count = 0;
        while (reader.Current.Kind != TokenKind.CloseParenthesis)
        {
            if (ReadConstraint(count) is not { } constraint) return null;
            if (count < Names.Length) constraints[count] = constraint;
            count++;
            if (reader.Current.Kind != TokenKind.CloseParenthesis && !reader.Expect(TokenKind.Comma, ",", ")")) return null;
        }

        var close = reader.Next().Span;
        if (count < Names.Length) reader.Error(close, $"the scope lacks `{Names[count]}`", "a scope is (principal, action, resource)");
        return (constraints[0], constraints[1], constraints[2]);
    }

    private ScopeConstraint? ReadConstraint(int index)
    {
        if (reader.Current.Kind != TokenKind.Identifier)
        {
            reader.Unexpected(index < Names.Length ? [Names[index]] : [")"]);
            return null;
        }

        var variable = reader.Next().Span;
        if (index >= Names.Length) reader.Error(variable, $"`{reader.Source[variable]}` is one too many", "a scope is (principal, action, resource)");
        else if (!reader.Source[variable].SequenceEqual(Names[index])) reader.Error(variable, $"`{reader.Source[variable]}` stands in the place of `{Names[index]}`", "a scope is (principal, action, resource)");
        var isAction = index == 1;
        if (!SkipTypeAnnotation()) return null;
        var errors = reader.Diagnostics.Count;
        var constraint = ReadRelation(index, isAction);
        if (constraint is null && reader.Diagnostics.Count > errors && AtSeparator()) constraint = AnyScope.Instance;
        return constraint is null ? null : constraint with { Span = variable.To(reader.Previous) };
    }

    // After an error that was read to its end the scope goes on, so that its other parts are checked too.
    private bool AtSeparator() => reader.Current.Kind is TokenKind.Comma or TokenKind.CloseParenthesis;

    private bool SkipTypeAnnotation()
    {
        if (!reader.Accept(TokenKind.Colon)) return true;
        reader.Error(reader.Current.Span, "a type is not asked for with `:`", "write `is`");
        return expressions.TypeName() is not null;
    }

    private ScopeConstraint? ReadRelation(int index, bool isAction)
    {
        EntityType? type = null;
        if (reader.IsWord("is"))
        {
            var start = reader.Next().Span;
            if (expressions.TypeName() is not { } name) return null;
            if (isAction) reader.Error(start, "an action is not asked for by its type");
            type = name;
        }

        var relation = reader.Current;
        switch (relation.Kind)
        {
            case TokenKind.Identifier when reader.IsWord("in"):
                reader.Next();
                return isAction ? ReadActions() : In(index, type);
            case TokenKind.Equal:
                reader.Next();
                if (type is not null) reader.Error(relation.Span, "`is` cannot be joined with `==`", "use `==` alone, or `is … in`");
                return ReadEntity(index, !isAction) is { } entity ? new EqualScope(entity) : null;
            case TokenKind.Assign:
                reader.Next();
                reader.Error(relation.Span, "`=` is no operator of Cedar", "write == to compare");
                return ReadEntity(index, !isAction) is { } meant ? new EqualScope(meant) : null;
            case TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual:
                reader.Next();
                reader.Error(relation.Span, $"`{reader.Source[relation.Span]}` cannot stand in a scope", "use ==, in or is; move the rest to a condition");
                return expressions.Parse() is null ? null : AnyScope.Instance;
            default:
                return type is { } alone ? new IsScope(alone, null) : AnyScope.Instance;
        }
    }

    private ScopeConstraint? In(int index, EntityType? type)
    {
        if (ReadEntity(index, true) is not { } entity) return null;
        if (reader.IsWord("is"))
        {
            reader.Error(reader.Current.Span, "`is` stands before `in`", "write principal is Type in Entity");
            reader.Next();
            return expressions.TypeName() is null ? null : AnyScope.Instance;
        }

        return type is { } known ? new IsScope(known, entity) : new InScope(entity);
    }

    private EntityOrSlot? ReadEntity(int index, bool slots)
    {
        var parentheses = 0;
        while (reader.Current.Kind == TokenKind.OpenParenthesis && reader.Peek(1).Kind is TokenKind.OpenParenthesis or TokenKind.Slot)
        {
            parentheses++;
            reader.Next();
        }

        EntityOrSlot? result = null;
        if (reader.Current.Kind == TokenKind.Slot)
        {
            result = ReadSlot(index, slots);
        }
        else
        {
            if (expressions.Sum() is not { } expression) return null;
            if (EntityOf(expression) is { } uid) result = new EntityOrSlot(uid);
            else reader.Error(expression.Span, "an entity must stand here", slots ? "write Type::\"id\" or a slot; move the rest to a condition" : "write Action::\"id\"");
            if (result is { Uid: { } found } && index == 1) CheckAction(found, expression.Span);
        }

        while (parentheses-- > 0)
        {
            if (!reader.Expect(TokenKind.CloseParenthesis, ")")) return null;
        }

        return result;
    }

    private EntityOrSlot? ReadSlot(int index, bool slots)
    {
        var token = reader.Next();
        var name = reader.Source[token.Span];
        if (name is "?principal" && index == 0) return new EntityOrSlot(Slot.Principal);
        if (name is "?resource" && index == 2) return new EntityOrSlot(Slot.Resource);
        var message = !slots ? "an action cannot be a slot" : name is "?principal" or "?resource" ? $"`{name}` cannot stand for the {Names[Math.Min(index, 2)]}" : $"there is no slot `{name}`";
        reader.Error(token.Span, message, "the slots are ?principal and ?resource, each in its own place");
        return null;
    }

    private ScopeConstraint? ReadActions()
    {
        if (reader.Current.Kind == TokenKind.Slot) return ReadSlot(1, false) is null ? null : AnyScope.Instance;
        if (expressions.Sum() is not { } expression) return null;
        if (reader.IsWord("is"))
        {
            reader.Error(reader.Next().Span, "an action is not asked for by its type");
            return expressions.TypeName() is null ? null : AnyScope.Instance;
        }

        if (EntityOf(expression) is { } single)
        {
            CheckAction(single, expression.Span);
            return new InScope(new EntityOrSlot(single));
        }

        if (expression is not SetExpression set)
        {
            reader.Error(expression.Span, "an action or a set of actions must stand here", "write Action::\"id\" or [Action::\"a\", Action::\"b\"]");
            return null;
        }

        var actions = ImmutableArray.CreateBuilder<EntityUid>();
        foreach (var element in set.Elements)
        {
            if (EntityOf(element) is { } action)
            {
                CheckAction(action, element.Span);
                actions.Add(action);
            }
            else
            {
                reader.Error(element.Span, "an action must stand here", "write Action::\"id\"");
            }
        }

        return new InSetScope(actions.ToImmutable());
    }

    private void CheckAction(EntityUid uid, SourceSpan span)
    {
        if (!uid.Type.IsAction) reader.Error(span, $"`{uid}` is no action", "the type of an action is Action, as in App::Action::\"view\"");
    }

    private static EntityUid? EntityOf(Expression expression) => (expression as LiteralExpression)?.Value.AsEntity();
}
