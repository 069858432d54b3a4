using System.Diagnostics;

namespace Moat.Cedar;

/// <summary>
/// Works out expressions as far as a partial request allows. An operator whose operands are known is evaluated as any other; one
/// with an open operand is left, with what is known written as literals. Nothing that could fail is dropped.
/// </summary>
internal sealed class Simplifier
{
    private static readonly EntityUid Nobody = new(EntityType.Checked("unknown"), "");
    private readonly PartialRequest request;
    private readonly EvaluationContext context = new();

    public Simplifier(PartialRequest request, EntityStore entities)
    {
        this.request = request;
        context.Begin(new Request(request.Principal ?? Nobody, request.Action ?? Nobody, request.Resource ?? Nobody, request.Context), entities);
    }

    /// <summary>What is left of a constraint: any scope when it holds, null when it does not.</summary>
    public ScopeConstraint? Scope(Variable variable, ScopeConstraint constraint)
    {
        if (request.Entity(variable) is { } known) return new ScopeTest(constraint).Holds(context, known) ? AnyScope.Instance : null;
        if (request.Type(variable) is not { } type) return constraint;
        return constraint switch
        {
            EqualScope { Entity.Uid: { } uid } when uid.Type != type => null,
            IsScope test when test.Type != type => null,
            IsScope { Entity: null } => AnyScope.Instance,
            _ => constraint,
        };
    }

    /// <summary>The expression as a condition: a known value is a boolean, anything else an error.</summary>
    public Simplified SimplifyCondition(Expression expression)
    {
        var simplified = Simplify(expression);
        return simplified.IsKnown ? Truth(simplified, expression) : simplified;
    }

    private Simplified Simplify(Expression expression) => expression switch
    {
        LiteralExpression literal => Simplified.Known(literal.Value),
        VariableExpression variable => OfVariable(variable),
        UnaryExpression unary => OfOperands(unary, [unary.Operand], o => unary with { Operand = o[0] }),
        BinaryExpression { Operator: BinaryOperator.And } and => OfLogic(and, false),
        BinaryExpression { Operator: BinaryOperator.Or } or => OfLogic(or, true),
        BinaryExpression binary => OfBinary(binary),
        ConditionalExpression choice => OfConditional(choice),
        GetAttributeExpression get => OfContext(get, get.Target, get.Name) ?? OfOperands(get, [get.Target], o => get with { Target = o[0] }),
        HasAttributeExpression has => OfHas(has),
        LikeExpression like => OfOperands(like, [like.Target], o => like with { Target = o[0] }),
        IsExpression test => OfIs(test),
        SetExpression set => OfOperands(set, [.. set.Elements], o => set with { Elements = [.. o] }),
        RecordExpression record => OfOperands(record, [.. record.Fields.Select(f => f.Value)], o => record with { Fields = [.. record.Fields.Zip(o, (f, v) => KeyValuePair.Create(f.Key, v))] }),
        CallExpression call => OfOperands(call, [.. call.Arguments], o => call with { Arguments = [.. o] }),
        _ => throw new UnreachableException(),
    };

    private Simplified OfVariable(VariableExpression variable)
    {
        if (variable.Variable == Variable.Context) return request.KnowsContext ? Simplified.Known(CedarValue.Record(request.Context!)) : Simplified.Left(variable);
        return request.Entity(variable.Variable) is { } uid ? Simplified.Known(CedarValue.Entity(uid)) : Simplified.Left(variable);
    }

    // An operator that evaluates all of its operands: one that fails makes it fail, whatever the others are.
    private Simplified OfOperands(Expression original, Expression[] operands, Func<Expression[], Expression> rebuild)
    {
        var simplified = Array.ConvertAll(operands, Simplify);
        foreach (var operand in simplified)
        {
            if (operand.Error is { } error) return Simplified.Fails(error);
        }

        var left = rebuild([.. simplified.Zip(operands, (s, o) => s.Or(o))]);
        return simplified.All(s => s.IsKnown) ? Evaluate(left, original) : Simplified.Left(left);
    }

    private Simplified Evaluate(Expression known, Expression original) => NodeCompiler.Compile(known).TryEvaluate(context, out var value)
        ? Simplified.Known(value)
        : Simplified.Fails(context.Error.At(original));

    private Simplified OfBinary(BinaryExpression binary)
    {
        if (binary.Operator is BinaryOperator.Equal or BinaryOperator.NotEqual && DifferInType(binary.Left, binary.Right))
        {
            return Simplified.Known(binary.Operator == BinaryOperator.NotEqual);
        }

        return OfOperands(binary, [binary.Left, binary.Right], o => binary with { Left = o[0], Right = o[1] });
    }

    // Whether one is a variable of which only the type is known and the other an entity of another type.
    private bool DifferInType(Expression left, Expression right)
    {
        if (left is not VariableExpression { Variable: not Variable.Context }) (left, right) = (right, left);
        return left is VariableExpression { Variable: not Variable.Context } variable && request.Type(variable.Variable) is { } type
            && right is LiteralExpression literal && literal.Value.AsEntity() is { } uid && uid.Type != type;
    }

    // The right side counts only when the left is not the value that decides.
    private Simplified OfLogic(BinaryExpression logic, bool decides)
    {
        var left = SimplifyCondition(logic.Left);
        if (left.Error is not null) return left;
        if (left.IsKnown && left.IsTrue == decides) return Simplified.Known(decides);
        var right = SimplifyCondition(logic.Right);
        if (left.IsKnown)
        {
            if (right.Open is null || IsBoolean(right.Open)) return right;
            return Simplified.Left(logic with { Left = ValueExpression.Of(left.Value), Right = right.Open });
        }

        if (right.IsKnown && right.IsTrue != decides && IsBoolean(left.Open!)) return left;
        return Simplified.Left(logic with { Left = left.Open!, Right = right.Or(logic.Right) });
    }

    private Simplified OfConditional(ConditionalExpression choice)
    {
        var condition = SimplifyCondition(choice.Condition);
        if (condition.Error is not null) return condition;
        if (condition.IsKnown) return Simplify(condition.IsTrue ? choice.Then : choice.Else);
        return Simplified.Left(choice with { Condition = condition.Open!, Then = Simplify(choice.Then).Or(choice.Then), Else = Simplify(choice.Else).Or(choice.Else) });
    }

    // A field of a context that is partly known; null when the target is anything else.
    private Simplified? OfContext(Expression whole, Expression target, string name)
    {
        if (target is not VariableExpression { Variable: Variable.Context } || request.Context is not { } known) return null;
        if (known.TryGetValue(name, out var value)) return Simplified.Known(value);
        return request.UnknownFields.Contains(name)
            ? Simplified.Left(whole)
            : Simplified.Fails(new EvaluationError(null, EvaluationErrorKind.NoSuchAttribute, whole, CedarValue.Record(known), name));
    }

    private Simplified OfHas(HasAttributeExpression has)
    {
        if (OfContext(has, has.Target, has.Path[0]) is not { } first) return OfOperands(has, [has.Target], o => has with { Target = o[0] });
        if (first.Open is not null) return first;
        if (first.Error is not null) return Simplified.Known(false);
        return has.Path.Length == 1 ? Simplified.Known(true) : Evaluate(new HasAttributeExpression(ValueExpression.Of(first.Value), has.Path[1..]), has);
    }

    private Simplified OfIs(IsExpression test)
    {
        if (test.Target is VariableExpression { Variable: not Variable.Context } variable && request.Entity(variable.Variable) is null && request.Type(variable.Variable) is { } type)
        {
            if (type != test.Type) return Simplified.Known(false);
            return test.Ancestor is null ? Simplified.Known(true) : Simplify(new BinaryExpression(BinaryOperator.In, test.Target, test.Ancestor) { Span = test.Span });
        }

        // The ancestor is asked only of an entity of the type.
        var target = Simplify(test.Target);
        if (target.Error is not null) return target;
        if (test.Ancestor is null || !target.IsKnown)
        {
            var left = test with { Target = target.Or(test.Target), Ancestor = test.Ancestor is null ? null : Simplify(test.Ancestor).Or(test.Ancestor) };
            return target.IsKnown ? Evaluate(left, test) : Simplified.Left(left);
        }

        var ofType = Evaluate(new IsExpression(ValueExpression.Of(target.Value), test.Type, null), test);
        return ofType.IsTrue ? OfBinary(new BinaryExpression(BinaryOperator.In, test.Target, test.Ancestor) { Span = test.Span }) : ofType;
    }

    private static Simplified Truth(Simplified known, Expression at) => known.Value.TryGetBool(out _)
        ? known
        : Simplified.Fails(new EvaluationError(null, EvaluationErrorKind.WrongKind, at, known.Value, "a boolean"));

    // Whether the expression yields a boolean when it yields anything.
    private static bool IsBoolean(Expression expression) => expression switch
    {
        BinaryExpression binary => binary.Operator is not (BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.Multiply or BinaryOperator.GetTag),
        UnaryExpression unary => unary.Operator != UnaryOperator.Negate,
        HasAttributeExpression or LikeExpression or IsExpression => true,
        CallExpression call => call.Function.Signature().Result == CedarKind.Bool,
        ConditionalExpression choice => IsBoolean(choice.Then) && IsBoolean(choice.Else),
        LiteralExpression literal => literal.Value.Kind == CedarKind.Bool,
        _ => false,
    };
}
