namespace Moat.Cedar;

/// <summary>A call of an extension function with one or two arguments.</summary>
internal sealed class CallNode(Expression source, ExtensionFunction function, Node first, Node? second) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = default;
        CedarValue b = default;
        if (!first.TryEvaluate(context, out var a) || (second is not null && !second.TryEvaluate(context, out b))) return false;
        var fault = ExtensionOperations.Apply(function, a, b, out value);
        switch (fault)
        {
            case ExtensionFault.None:
                return true;
            case ExtensionFault.FirstKind:
                context.Fail(EvaluationErrorKind.WrongKind, first, a, ExpectedText(function.Signature().Parameters[0]));
                return false;
            case ExtensionFault.SecondKind:
                context.Fail(EvaluationErrorKind.WrongKind, second!, b, ExpectedText(function.Signature().Parameters[1]));
                return false;
            case ExtensionFault.Text:
                context.Fail(EvaluationErrorKind.UnreadableText, this, a, function.Name());
                return false;
            default:
                context.Fail(EvaluationErrorKind.Overflow, this);
                return false;
        }
    }

    private static string ExpectedText(CedarKind kind) => kind switch
    {
        CedarKind.String => "a string",
        CedarKind.Ip => "an ip, as ip(\"…\") makes it,",
        CedarKind.Decimal => "a decimal, as decimal(\"…\") makes it,",
        CedarKind.DateTime => "a datetime, as datetime(\"…\") makes it,",
        _ => "a duration, as duration(\"…\") makes it,",
    };
}
