using System.Diagnostics;

namespace Moat.Cedar;

/// <summary>Makes nodes of expressions and works out what depends on no request.</summary>
internal static class NodeCompiler
{
    /// <summary>The node of an expression.</summary>
    public static Node Compile(Expression expression) => expression switch
    {
        LiteralExpression literal => new ConstantNode(literal, literal.Value),
        VariableExpression variable => new VariableNode(variable, variable.Variable),
        UnaryExpression unary => Unary(unary),
        BinaryExpression binary => Binary(binary),
        ConditionalExpression choice => new ConditionalNode(choice, Compile(choice.Condition), Compile(choice.Then), Compile(choice.Else)),
        GetAttributeExpression get => new GetAttributeNode(get, Compile(get.Target), get.Name),
        HasAttributeExpression has => new HasAttributeNode(has, Compile(has.Target), [.. has.Path]),
        LikeExpression like => new LikeNode(like, Compile(like.Target), like.Pattern),
        IsExpression test => Is(test),
        SetExpression set => Set(set),
        RecordExpression record => Record(record),
        CallExpression call => Call(call),
        _ => throw new UnreachableException(),
    };

    private static Node Unary(UnaryExpression unary)
    {
        var operand = Compile(unary.Operand);
        return unary.Operator switch
        {
            UnaryOperator.Not => new NotNode(unary, operand),
            UnaryOperator.Negate => new NegateNode(unary, operand),
            _ => new IsEmptyNode(unary, operand),
        };
    }

    private static Node Binary(BinaryExpression binary)
    {
        var (left, right) = (Compile(binary.Left), Compile(binary.Right));
        return binary.Operator switch
        {
            BinaryOperator.Or => new OrNode(binary, left, right),
            BinaryOperator.And => new AndNode(binary, left, right),
            BinaryOperator.Equal => new EqualNode(binary, left, right, false),
            BinaryOperator.NotEqual => new EqualNode(binary, left, right, true),
            BinaryOperator.Less or BinaryOperator.LessOrEqual or BinaryOperator.Greater or BinaryOperator.GreaterOrEqual => new OrderNode(binary, binary.Operator, left, right),
            BinaryOperator.In => new InNode(binary, left, right),
            BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.Multiply => new ArithmeticNode(binary, binary.Operator, left, right),
            BinaryOperator.Contains => new ContainsNode(binary, left, right),
            BinaryOperator.ContainsAll => new ContainsManyNode(binary, left, right, true),
            BinaryOperator.ContainsAny => new ContainsManyNode(binary, left, right, false),
            BinaryOperator.GetTag => new GetTagNode(binary, left, right),
            BinaryOperator.HasTag => new HasTagNode(binary, left, right),
            _ => throw new UnreachableException(),
        };
    }

    private static TruthNode Is(IsExpression test)
    {
        var target = Compile(test.Target);
        var type = new IsNode(test, target, test.Type.Name);
        return test.Ancestor is null ? type : new AndNode(test, type, new InNode(test, target, Compile(test.Ancestor)));
    }

    private static Node Set(SetExpression set)
    {
        Node[] elements = [.. set.Elements.Select(Compile)];
        return elements.All(e => e is ConstantNode)
            ? new ConstantNode(set, CedarValue.Set(CedarSet.Create(elements.Select(e => ((ConstantNode)e).Value))))
            : new SetNode(set, elements);
    }

    private static Node Record(RecordExpression record)
    {
        KeyValuePair<string, Node>[] fields = [.. record.Fields.Select(f => KeyValuePair.Create(f.Key, Compile(f.Value)))];
        return fields.All(f => f.Value is ConstantNode)
            ? new ConstantNode(record, CedarValue.Record(CedarRecord.Create(fields.Select(f => KeyValuePair.Create(f.Key, ((ConstantNode)f.Value).Value)))))
            : new RecordNode(record, fields);
    }

    private static Node Call(CallExpression call)
    {
        var signature = call.Function.Signature();
        if (call.Arguments.Length != signature.Parameters.Length) return new FailingNode(call, EvaluationErrorKind.WrongArity, default, signature.Name);
        var first = Compile(call.Arguments[0]);
        var second = call.Arguments.Length > 1 ? Compile(call.Arguments[1]) : null;
        if (first is ConstantNode a && (second is null || second is ConstantNode))
        {
            var fault = ExtensionOperations.Apply(call.Function, a.Value, (second as ConstantNode)?.Value ?? default, out var value);
            if (fault == ExtensionFault.None) return new ConstantNode(call, value);
        }

        return new CallNode(call, call.Function, first, second);
    }
}
