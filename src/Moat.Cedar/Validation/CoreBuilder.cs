using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Moat.Cedar;

/// <summary>Makes <see cref="CoreNode"/>s of a policy, and numbers their shapes.</summary>
internal sealed class CoreBuilder
{
    private readonly Dictionary<ShapeKey, int> shapes = [];

    /// <summary>What a request must fulfil for the policy to apply.</summary>
    public CorePolicy Build(Policy policy)
    {
        var span = policy.Span;
        CoreNode? conditions = null;
        foreach (var condition in policy.Conditions.Reverse())
        {
            var body = Build(condition.Body);
            if (condition.IsUnless) body = Node(CoreKind.Not, condition.Span, body);
            conditions = conditions is null ? body : And(body, conditions, span);
        }

        return new CorePolicy(
            Scope(Variable.Principal, policy.Principal, span),
            Scope(Variable.Action, policy.Action, span),
            Scope(Variable.Resource, policy.Resource, span),
            conditions ?? Literal(CedarValue.Bool(true), span));
    }

    private CoreNode Scope(Variable variable, ScopeConstraint scope, SourceSpan policy)
    {
        var span = scope.Span.Length == 0 ? policy : scope.Span;
        return scope switch
        {
            EqualScope equal => Node(CoreKind.Equal, span, Var(), Entity(equal.Entity)),
            InScope within => Node(CoreKind.In, span, Var(), Entity(within.Entity)),
            InSetScope set => Node(CoreKind.In, span, Var(), Node(CoreKind.Set, span, [.. set.Entities.Select(e => Literal(CedarValue.Entity(e), span))])),
            IsScope { Entity: { } entity } typed => And(IsNode(Var(), typed.Type, span), Node(CoreKind.In, span, Var(), Entity(entity)), span),
            IsScope typed => IsNode(Var(), typed.Type, span),
            _ => Literal(CedarValue.Bool(true), span),
        };

        CoreNode Var() => VariableNode(variable, span);
        CoreNode Entity(EntityOrSlot entity) => entity.Uid is { } uid
            ? Literal(CedarValue.Entity(uid), span)
            : new CoreNode(CoreKind.Slot, Shape(new(CoreKind.Slot, entity.Slot)), span) { Children = [], Slot = entity.Slot!.Value };
    }

    private CoreNode Build(Expression expression)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var span = expression.Span;
        return expression switch
        {
            LiteralExpression literal => Literal(literal.Value, span),
            VariableExpression variable => VariableNode(variable.Variable, span),
            UnaryExpression unary => Node(Kind(unary.Operator), span, Build(unary.Operand)),
            BinaryExpression binary => Binary(binary.Operator, Build(binary.Left), Build(binary.Right), span),
            ConditionalExpression test => Node(CoreKind.Conditional, span, Build(test.Condition), Build(test.Then), Build(test.Else)),
            GetAttributeExpression get => Attribute(CoreKind.GetAttribute, Build(get.Target), get.Name, span),
            HasAttributeExpression has => Has(Build(has.Target), has.Path, span),
            LikeExpression like => Like(like),
            IsExpression test => Is(test),
            SetExpression set => Node(CoreKind.Set, span, [.. set.Elements.Select(Build)]),
            RecordExpression record => Record(record),
            CallExpression call => Call(call),
            _ => throw new ArgumentException($"an expression of the kind {expression.GetType().Name} is not known", nameof(expression)),
        };
    }

    private static CoreKind Kind(UnaryOperator unary) => unary switch
    {
        UnaryOperator.Not => CoreKind.Not,
        UnaryOperator.Negate => CoreKind.Negate,
        _ => CoreKind.IsEmpty,
    };

    private CoreNode Binary(BinaryOperator binary, CoreNode left, CoreNode right, SourceSpan span) => binary switch
    {
        BinaryOperator.Or => Or(left, right, span),
        BinaryOperator.And => And(left, right, span),
        BinaryOperator.Equal => Node(CoreKind.Equal, span, left, right),
        BinaryOperator.NotEqual => Negated(CoreKind.Equal, left, right, span),
        BinaryOperator.Less => Node(CoreKind.Less, span, left, right),
        BinaryOperator.LessOrEqual => Node(CoreKind.LessOrEqual, span, left, right),
        BinaryOperator.Greater => Negated(CoreKind.LessOrEqual, left, right, span),
        BinaryOperator.GreaterOrEqual => Negated(CoreKind.Less, left, right, span),
        BinaryOperator.In => Node(CoreKind.In, span, left, right),
        BinaryOperator.Add => Node(CoreKind.Add, span, left, right),
        BinaryOperator.Subtract => Node(CoreKind.Subtract, span, left, right),
        BinaryOperator.Multiply => Node(CoreKind.Multiply, span, left, right),
        BinaryOperator.Contains => Node(CoreKind.Contains, span, left, right),
        BinaryOperator.ContainsAll => Node(CoreKind.ContainsAll, span, left, right),
        BinaryOperator.ContainsAny => Node(CoreKind.ContainsAny, span, left, right),
        BinaryOperator.GetTag => Tag(CoreKind.GetTag, left, right, span),
        _ => Tag(CoreKind.HasTag, left, right, span),
    };

    private CoreNode Negated(CoreKind kind, CoreNode left, CoreNode right, SourceSpan span) => Node(CoreKind.Not, span, Node(kind, span, left, right));

    // Two literals are joined at once, as Cedar does it; that shows where a literal is asked for.
    private CoreNode And(CoreNode left, CoreNode right, SourceSpan span) =>
        BothLiterals(left, right, out var a, out var b) ? Literal(CedarValue.Bool(a && b), span) : Node(CoreKind.And, span, left, right);

    private CoreNode Or(CoreNode left, CoreNode right, SourceSpan span) =>
        BothLiterals(left, right, out var a, out var b) ? Literal(CedarValue.Bool(a || b), span) : Node(CoreKind.Or, span, left, right);

    private static bool BothLiterals(CoreNode left, CoreNode right, out bool a, out bool b)
    {
        b = false;
        return left.Value.TryGetBool(out a) && right.Value.TryGetBool(out b) && left.Kind == CoreKind.Literal && right.Kind == CoreKind.Literal;
    }

    private CoreNode Has(CoreNode target, ImmutableArray<string> path, SourceSpan span)
    {
        var whole = Attribute(CoreKind.HasAttribute, target, path[0], span);
        for (var i = 1; i < path.Length; i++)
        {
            target = Attribute(CoreKind.GetAttribute, target, path[i - 1], span);
            whole = And(whole, Attribute(CoreKind.HasAttribute, target, path[i], span), span);
        }

        return whole;
    }

    private CoreNode Is(IsExpression test)
    {
        var target = Build(test.Target);
        var typed = IsNode(target, test.Type, test.Span);
        return test.Ancestor is null ? typed : And(typed, Node(CoreKind.In, test.Span, target, Build(test.Ancestor)), test.Span);
    }

    private CoreNode Record(RecordExpression record)
    {
        var fields = record.Fields.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        CoreNode[] values = [.. fields.Select(f => Build(f.Value))];
        string[] names = [.. fields.Select(f => f.Key)];
        var shape = Shape(new(CoreKind.Record));
        for (var i = 0; i < names.Length; i++) shape = Shape(new(CoreKind.Record, names[i], shape, values[i].Shape));
        return new CoreNode(CoreKind.Record, shape, record.Span) { Children = values, Names = names };
    }

    private CoreNode Like(LikeExpression like)
    {
        var target = Build(like.Target);
        return new CoreNode(CoreKind.Like, Shape(new(CoreKind.Like, like.Pattern.ToString(), target.Shape)), like.Span) { Children = [target] };
    }

    private CoreNode Call(CallExpression call)
    {
        CoreNode[] arguments = [.. call.Arguments.Select(Build)];
        return new CoreNode(CoreKind.Call, List(CoreKind.Call, call.Function, arguments), call.Span) { Children = arguments, Function = call.Function };
    }

    private CoreNode IsNode(CoreNode target, EntityType type, SourceSpan span) =>
        new(CoreKind.Is, Shape(new(CoreKind.Is, type, target.Shape)), span) { Children = [target], Type = type };

    private CoreNode Literal(CedarValue value, SourceSpan span) => new(CoreKind.Literal, Shape(new(CoreKind.Literal, value)), span) { Children = [], Value = value };

    private CoreNode VariableNode(Variable variable, SourceSpan span) =>
        new(CoreKind.Variable, Shape(new(CoreKind.Variable, variable)), span) { Children = [], Variable = variable };

    private CoreNode Attribute(CoreKind kind, CoreNode target, string name, SourceSpan span) => new(kind, Shape(new(kind, name, target.Shape)), span)
    {
        Children = [target],
        Name = name,
        Capability = Shape(new(CoreKind.HasAttribute, name, target.Shape)),
    };

    private CoreNode Tag(CoreKind kind, CoreNode target, CoreNode tag, SourceSpan span) => new(kind, List(kind, null, [target, tag]), span)
    {
        Children = [target, tag],
        Capability = List(CoreKind.HasTag, null, [target, tag]),
    };

    private CoreNode Node(CoreKind kind, SourceSpan span, params CoreNode[] children) => new(kind, List(kind, null, children), span) { Children = children };

    private int List(CoreKind kind, object? data, CoreNode[] children)
    {
        var shape = Shape(new(kind, data));
        foreach (var child in children) shape = Shape(new(kind, null, shape, child.Shape));
        return shape;
    }

    private int Shape(ShapeKey key)
    {
        if (!shapes.TryGetValue(key, out var shape)) shapes.Add(key, shape = shapes.Count + 1);
        return shape;
    }

    private readonly record struct ShapeKey(CoreKind Kind, object? Data = null, int Left = 0, int Right = 0);
}
