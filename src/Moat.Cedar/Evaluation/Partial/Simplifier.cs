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

    // Few and small frames for each level, since a hostile policy is as high as an expression may be.
    private Simplified Simplify(Expression expression) => expression switch
    {
        LiteralExpression literal => Simplified.Known(literal.Value),
        VariableExpression variable => OfVariable(variable),
        BinaryExpression { Operator: BinaryOperator.And or BinaryOperator.Or } logic => OfLogic(logic),
        BinaryExpression { Operator: BinaryOperator.Equal or BinaryOperator.NotEqual } binary when DifferInType(binary) => Simplified.Known(binary.Operator == BinaryOperator.NotEqual),
        ConditionalExpression choice => OfConditional(choice),
        GetAttributeExpression get when IsPartOfContext(get.Target) => OfContext(get, get.Name),
        HasAttributeExpression has when IsPartOfContext(has.Target) => OfHas(has),
        IsExpression test => OfIs(test),
        _ => OfOperands(expression),
    };

    private Simplified OfVariable(VariableExpression variable)
    {
        if (variable.Variable == Variable.Context) return request.KnowsContext ? Simplified.Known(CedarValue.Record(request.Context!)) : Simplified.Left(variable);
        return request.Entity(variable.Variable) is { } uid ? Simplified.Known(CedarValue.Entity(uid)) : Simplified.Left(variable);
    }

    // An operator that evaluates all of its operands: one that fails makes it fail, whatever the others are.
    private Simplified OfOperands(Expression original)
    {
        var operands = Operands.Of(original);
        var isKnown = true;
        for (var i = 0; i < operands.Length; i++)
        {
            var simplified = Simplify(operands[i]);
            if (simplified.Error is not null) return simplified;
            isKnown &= simplified.IsKnown;
            operands[i] = simplified.Or(operands[i]);
        }

        var left = Operands.Replace(original, operands);
        return isKnown ? Evaluate(left, original) : Simplified.Left(left);
    }

    private Simplified Evaluate(Expression known, Expression original) => NodeCompiler.Compile(known).TryEvaluate(context, out var value)
        ? Simplified.Known(value)
        : Simplified.Fails(context.Error.At(original));

    // Whether one is a variable of which only the type is known and the other an entity of another type.
    private bool DifferInType(BinaryExpression binary)
    {
        var (left, right) = (binary.Left, binary.Right);
        if (left is not VariableExpression { Variable: not Variable.Context }) (left, right) = (right, left);
        return left is VariableExpression { Variable: not Variable.Context } variable && request.Type(variable.Variable) is { } type
            && right is LiteralExpression literal && literal.Value.AsEntity() is { } uid && uid.Type != type;
    }

    // The right side counts only when the left is not the value that decides.
    private Simplified OfLogic(BinaryExpression logic)
    {
        var decides = logic.Operator == BinaryOperator.Or;
        var left = SimplifyCondition(logic.Left);
        if (left.Error is not null) return left;
        if (left.IsKnown && left.IsTrue == decides) return Simplified.Known(decides);
        var right = SimplifyCondition(logic.Right);
        if (left.IsKnown)
        {
            if (right.Open is null || IsBoolean(right.Open)) return right;
            return Simplified.Left(Operands.Replace(logic, [ValueExpression.Of(left.Value), right.Open]));
        }

        if (right.IsKnown && right.IsTrue != decides && IsBoolean(left.Open!)) return left;
        return Simplified.Left(Operands.Replace(logic, [left.Open!, right.Or(logic.Right)]));
    }

    private Simplified OfConditional(ConditionalExpression choice)
    {
        var condition = SimplifyCondition(choice.Condition);
        if (condition.Error is not null) return condition;
        if (condition.IsKnown) return Simplify(condition.IsTrue ? choice.Then : choice.Else);
        return Simplified.Left(new ConditionalExpression(condition.Open!, Simplify(choice.Then).Or(choice.Then), Simplify(choice.Else).Or(choice.Else)) { Span = choice.Span });
    }

    private bool IsPartOfContext(Expression target) => target is VariableExpression { Variable: Variable.Context } && request.Context is not null;

    // A field of a context that is partly known.
    private Simplified OfContext(Expression whole, string name)
    {
        if (request.Context!.TryGetValue(name, out var value)) return Simplified.Known(value);
        return request.UnknownFields.Contains(name)
            ? Simplified.Left(whole)
            : Simplified.Fails(new EvaluationError(null, EvaluationErrorKind.NoSuchAttribute, whole, CedarValue.Record(request.Context), name));
    }

    private Simplified OfHas(HasAttributeExpression has)
    {
        var first = OfContext(has, has.Path[0]);
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
            var left = new IsExpression(target.Or(test.Target), test.Type, test.Ancestor is null ? null : Simplify(test.Ancestor).Or(test.Ancestor)) { Span = test.Span };
            return target.IsKnown ? Evaluate(left, test) : Simplified.Left(left);
        }

        var ofType = Evaluate(new IsExpression(ValueExpression.Of(target.Value), test.Type, null), test);
        return ofType.IsTrue ? OfOperands(new BinaryExpression(BinaryOperator.In, test.Target, test.Ancestor) { Span = test.Span }) : ofType;
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
