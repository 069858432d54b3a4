namespace Moat.Cedar.Tests;

/// <summary>A hostile policy may be as high as expressions are allowed to be; whoever walks it gets by on a small stack.</summary>
public sealed class SmallStackTests
{
    private const int Stack = 1024 * 1024;
    private const int Height = 495;

    private static readonly CedarSchema Schema = CedarSchema.Parse(
        "entity U; type R = {n: Bool, l: Long, d: datetime}; action a appliesTo {principal: [U], resource: [U], context: R};");

    [Theory]
    [InlineData("not")]
    [InlineData("attribute")]
    [InlineData("sum")]
    [InlineData("or")]
    [InlineData("choice")]
    [InlineData("set")]
    [InlineData("record")]
    [InlineData("is")]
    [InlineData("call")]
    public void The_highest_tree_is_walked_by_everyone(string kind)
    {
        Expression high = new GetAttributeExpression(new VariableExpression(Variable.Context), kind switch { "sum" => "l", "call" => "d", _ => "n" });
        for (var i = 0; i < Height; i++) high = Higher(kind, high);
        var policy = new Policy { Id = "p", Effect = Effect.Permit, Conditions = [new Condition(false, high, default)] };
        OnSmallStack(() =>
        {
            var again = PolicyJson.Read(PolicyJson.Write(policy), "p");
            Assert.Equal(PolicyJson.Write(policy), PolicyJson.Write(again));
            Assert.NotEmpty(PolicyText.Write(again));
            var set = PolicySet.Create([again]);
            new PolicyValidator(Schema).Validate(set);
            var uid = new EntityUid(new("U"), "a");
            new Authorizer(set).Decide(new Request(uid, uid, uid, ValueJson.ReadRecord("""{"n": true, "l": 1}""")), EntityStore.Empty);
            Assert.Null(PartialEvaluator.Decide(set, new PartialRequest { UnknownFields = ["n", "l", "d"] }, EntityStore.Empty).Decision);
        });
    }

    [Theory]
    [InlineData("", " || true", "context.n", Height)]
    [InlineData("", " + 1", "context.l", Height)]
    [InlineData("", ".n", "context", Height)]
    [InlineData("", ".offset(duration(\"1s\"))", "context.d", Height)]
    [InlineData("(", ")", "context.n", 190)]
    [InlineData("!(", ")", "context.n", 190)]
    [InlineData("[", "]", "1", 190)]
    [InlineData("{n: ", "}", "1", 190)]
    [InlineData("if context.n then false else ", "", "true", 190)]
    public void The_highest_text_is_read_laid_out_and_walked(string open, string close, string middle, int times)
    {
        var expression = string.Concat(Enumerable.Repeat(open, times)) + middle + string.Concat(Enumerable.Repeat(close, times));
        OnSmallStack(() =>
        {
            var text = $"permit(principal, action, resource) when {{ {expression} }};";
            var set = PolicySet.Parse(text);
            new PolicyValidator(Schema).Validate(set);
            Assert.Equal(PolicySetJson.Write(set), PolicySetJson.Write(PolicySet.Parse(PolicyFormatter.Format(new SourceText(text)))));
            Assert.Equal(PolicySetJson.Write(set), PolicySetJson.Write(PolicySet.Parse(PolicyText.Write(set.Policies[0]))));
        });
    }

    private static Expression Higher(string kind, Expression inner)
    {
        var one = new LiteralExpression(CedarValue.Long(1));
        return kind switch
        {
            "not" => new UnaryExpression(UnaryOperator.Not, inner),
            "attribute" => new GetAttributeExpression(inner, "a"),
            "sum" => new BinaryExpression(BinaryOperator.Add, inner, one),
            "or" => new BinaryExpression(BinaryOperator.Or, inner, new LiteralExpression(CedarValue.Bool(false))),
            "choice" => new ConditionalExpression(inner, one, one),
            "set" => new SetExpression([inner]),
            "record" => new RecordExpression([new("a", inner)]),
            "is" => new IsExpression(new VariableExpression(Variable.Principal), new("U"), inner),
            _ => new CallExpression(ExtensionFunction.Offset, [inner, new CallExpression(ExtensionFunction.Duration, [new LiteralExpression(CedarValue.String("1s"))])]),
        };
    }

    private static void OnSmallStack(Action action)
    {
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(action), Stack);
        thread.Start();
        thread.Join();
        Assert.Null(error);
    }
}
