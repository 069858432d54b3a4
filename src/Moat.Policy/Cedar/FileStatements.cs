using Moat.Cedar;

namespace Moat.Policy;

/// <summary>Finds statements about files and programs that ask for more than paths: arguments, the working directory, the asking process.</summary>
internal static class FileStatements
{
    /// <summary>Where the statement asks so; null when it does not, or is about none of these actions.</summary>
    public static SourceSpan? NeedsProcess(Cedar.Policy policy)
    {
        var actions = ActionScope.Of(policy);
        if (!actions.Any(static a => a == "FileOpen" || FileDecisions.Actions.Contains(a))) return null;
        if (policy.Principal is EqualScope { Entity.Uid.Type.Name: "Process" } or InScope { Entity.Uid.Type.Name: "Process" } or IsScope { Type.Name: "Process" } or IsScope { Entity.Uid.Type.Name: "Process" })
            return policy.Principal.Span;
        foreach (var condition in policy.Conditions)
        {
            if (Asks(condition.Body)) return condition.Body.Span;
        }

        return null;
    }

    private static bool Asks(Expression node) => node switch
    {
        VariableExpression variable => variable.Variable == Variable.Context,
        LiteralExpression literal => literal.Value.AsEntity()?.Type.Name == "Process",
        UnaryExpression unary => Asks(unary.Operand),
        BinaryExpression binary => Asks(binary.Left) || Asks(binary.Right),
        ConditionalExpression choice => Asks(choice.Condition) || Asks(choice.Then) || Asks(choice.Else),
        GetAttributeExpression get => Asks(get.Target),
        HasAttributeExpression has => Asks(has.Target),
        LikeExpression like => Asks(like.Target),
        IsExpression test => test.Type.Name == "Process" || Asks(test.Target) || (test.Ancestor is not null && Asks(test.Ancestor)),
        SetExpression set => set.Elements.Any(Asks),
        RecordExpression record => record.Fields.Any(static f => Asks(f.Value)),
        CallExpression call => call.Arguments.Any(Asks),
        _ => false,
    };
}
