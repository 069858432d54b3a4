using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Brings a policy's entities, actions and attributes into the vocabulary's spelling. Each change is noted; what has no
/// meaning in Cedar is an error; nothing is left out.
/// </summary>
internal sealed class PolicyNormalizer(Cedar.Policy policy, List<PolicyNote> notes)
{
    public Cedar.Policy Run() => policy with
    {
        Principal = Scope(policy.Principal),
        Action = Scope(policy.Action),
        Resource = Scope(policy.Resource),
        Conditions = [.. policy.Conditions.Select(c => c with { Body = Rewrite(c.Body) })],
    };

    private ScopeConstraint Scope(ScopeConstraint scope)
    {
        switch (scope)
        {
            case EqualScope { Entity.Uid: { } uid }:
                var equal = Entity(uid, scope.Span);
                if (IsOpen(equal))
                {
                    Note(scope.Span, $"`== {uid}` is read as `in {equal}`: a file is opened for reading or for writing");
                    return new InScope(new EntityOrSlot(equal)) { Span = scope.Span };
                }

                if (!EntitySpelling.IsContainer(equal.Type)) return Same(uid, equal) ? scope : new EqualScope(new EntityOrSlot(equal)) { Span = scope.Span };
                Note(scope.Span, $"`== {uid}` is read as `in {equal}`: requests are about what is in it");
                return new InScope(new EntityOrSlot(equal)) { Span = scope.Span };
            case InScope { Entity.Uid: { } uid }:
                return Changed(uid, scope.Span) is { } inner ? new InScope(new EntityOrSlot(inner)) { Span = scope.Span } : scope;
            case InSetScope set:
                ImmutableArray<EntityUid> all = [.. set.Entities.Select(e => Changed(e, scope.Span) ?? e)];
                return set.Entities.SequenceEqual(all) ? scope : new InSetScope(all) { Span = scope.Span };
            case IsScope test:
                var type = Type(test.Type, scope.Span);
                var within = test.Entity is { Uid: { } ancestor } ? new EntityOrSlot(Changed(ancestor, scope.Span) ?? ancestor) : test.Entity;
                return new IsScope(type, within) { Span = scope.Span };
            default:
                return scope;
        }
    }

    private Expression Rewrite(Expression node)
    {
        switch (node)
        {
            case LiteralExpression literal when literal.Value.AsEntity() is { } uid:
                if (Changed(uid, node.Span) is not { } changed) return node;
                if (EntitySpelling.IsContainer(changed.Type) && EntitySpelling.TypeOf(uid.Type) != changed.Type)
                    Error(node.Span, $"{uid} stands for many hosts and is compared as one here", "ask with `resource in` or `resource ==`");
                return Literal(changed, node.Span);
            case UnaryExpression unary:
                return new UnaryExpression(unary.Operator, Rewrite(unary.Operand)) { Span = node.Span };
            case BinaryExpression { Operator: BinaryOperator.Equal or BinaryOperator.NotEqual } binary:
                return Comparison(binary);
            case BinaryExpression { Operator: BinaryOperator.In, Right: SetExpression set } membership:
                return Membership(membership, set);
            case BinaryExpression binary:
                return new BinaryExpression(binary.Operator, Rewrite(binary.Left), binary.Operator == BinaryOperator.In ? Group(binary.Right) : Rewrite(binary.Right)) { Span = node.Span };
            case ConditionalExpression choice:
                return new ConditionalExpression(Rewrite(choice.Condition), Rewrite(choice.Then), Rewrite(choice.Else)) { Span = node.Span };
            case GetAttributeExpression { Target: VariableExpression { Variable: Variable.Context }, Name: "hostname" } get:
                Note(node.Span, "`context.hostname` is read as `context.host`");
                return new GetAttributeExpression(get.Target, "host") { Span = node.Span };
            case HasAttributeExpression { Target: VariableExpression { Variable: Variable.Context }, Path: ["hostname"] } has:
                Note(node.Span, "`context has hostname` is read as `context has host`");
                return new HasAttributeExpression(has.Target, ["host"]) { Span = node.Span };
            case GetAttributeExpression get:
                return new GetAttributeExpression(Rewrite(get.Target), get.Name) { Span = node.Span };
            case HasAttributeExpression has:
                return new HasAttributeExpression(Rewrite(has.Target), has.Path) { Span = node.Span };
            case LikeExpression like:
                return new LikeExpression(Rewrite(like.Target), like.Pattern) { Span = node.Span };
            case IsExpression test:
                return new IsExpression(Rewrite(test.Target), Type(test.Type, node.Span), test.Ancestor is null ? null : Group(test.Ancestor)) { Span = node.Span };
            case SetExpression set:
                return new SetExpression([.. set.Elements.Select(Rewrite)]) { Span = node.Span };
            case RecordExpression record:
                return new RecordExpression([.. record.Fields.Select(f => KeyValuePair.Create(f.Key, Rewrite(f.Value)))]) { Span = node.Span };
            case CallExpression call:
                return new CallExpression(call.Function, [.. call.Arguments.Select(Rewrite)]) { Span = node.Span };
            default:
                return node;
        }
    }

    // `resource == Host::"*.example.org"` asks whether the resource is one of many.
    private Expression Comparison(BinaryExpression node)
    {
        var (asked, group) = IsGroup(node.Left) ? (node.Right, node.Left) : (node.Left, node.Right);
        if (!IsGroup(group)) return new BinaryExpression(node.Operator, Rewrite(node.Left), Rewrite(node.Right)) { Span = node.Span };
        var (left, right) = (Rewrite(asked), Group(group));
        var container = right.ToString();
        Note(node.Span, $"`{(node.Operator == BinaryOperator.Equal ? "==" : "!=")}` with {container} is read as `{(node.Operator == BinaryOperator.Equal ? "in" : "!(… in …)")}`: requests are about what is in it");
        Expression within = new BinaryExpression(BinaryOperator.In, left, right) { Span = node.Span };
        return node.Operator == BinaryOperator.Equal ? within : new UnaryExpression(UnaryOperator.Not, within) { Span = node.Span };
    }

    // Strict Cedar has no set of entities of several types; being in one of them is being in the first, or the second …
    private Expression Membership(BinaryExpression node, SetExpression set)
    {
        var left = Rewrite(node.Left);
        ImmutableArray<Expression> elements = [.. set.Elements.Select(Group)];
        var types = elements.GroupBy(static e => (e as LiteralExpression)?.Value.AsEntity()?.Type).ToArray();
        if (types.Length <= 1) return new BinaryExpression(BinaryOperator.In, left, new SetExpression(elements) { Span = set.Span }) { Span = node.Span };
        return types.Select(one => (Expression)new BinaryExpression(BinaryOperator.In, left, new SetExpression([.. one]) { Span = set.Span }) { Span = node.Span })
            .Aggregate((a, b) => new BinaryExpression(BinaryOperator.Or, a, b) { Span = node.Span });
    }

    // A place where an entity that holds others means all of them.
    private Expression Group(Expression node) => node is LiteralExpression literal && literal.Value.AsEntity() is { } uid
        ? Changed(uid, node.Span) is { } changed ? Literal(changed, node.Span) : node
        : Rewrite(node);

    private static bool IsGroup(Expression node) => node is LiteralExpression literal && literal.Value.AsEntity() is { } uid
        && EntitySpelling.TryNormalize(uid, out var normal, out _) && (EntitySpelling.IsContainer(normal.Type) || IsOpen(normal));

    private static bool IsOpen(EntityUid uid) => uid.Type == PolicyVocabulary.ActionType && uid.Id == "FileOpen";

    private static LiteralExpression Literal(EntityUid uid, SourceSpan span) => new(CedarValue.Entity(uid)) { Span = span };

    private EntityType Type(EntityType type, SourceSpan span)
    {
        var normal = EntitySpelling.TypeOf(type);
        if (normal != type) Note(span, $"the type {type} is read as {normal}");
        return normal;
    }

    private EntityUid? Changed(EntityUid uid, SourceSpan span) => Entity(uid, span) is var normal && Same(uid, normal) ? null : normal;

    private EntityUid Entity(EntityUid uid, SourceSpan span)
    {
        if (!EntitySpelling.TryNormalize(uid, out var normal, out var error))
        {
            Error(span, $"{uid}: {error}", "");
            return uid;
        }

        if (!Same(uid, normal)) Note(span, $"{uid} is read as {normal}");
        return normal;
    }

    private static bool Same(EntityUid a, EntityUid b) => ReferenceEquals(a, b);

    private void Note(SourceSpan span, string message) => Add(PolicyNote.At(PolicyNoteLevel.Note, "spelling", policy, span, message));

    private void Error(SourceSpan span, string message, string help) => Add(PolicyNote.At(PolicyNoteLevel.Error, "invalid", policy, span, message, help));

    private void Add(PolicyNote note)
    {
        if (!notes.Contains(note)) notes.Add(note);
    }
}
