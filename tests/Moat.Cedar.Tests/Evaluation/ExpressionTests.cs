namespace Moat.Cedar.Tests.Evaluation;

public sealed class ExpressionTests
{
    private static readonly EntityStore Entities = EntityJson.Read("""
        [
          {"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 30, "name": "Alice", "address": {"zip": "1"}, "boss": {"__entity": {"type": "User", "id": "bob"}}},
           "parents": [{"type": "Group", "id": "staff"}], "tags": {"team": "red"}},
          {"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents": [{"type": "Group", "id": "elsewhere"}]},
          {"uid": {"type": "Group", "id": "staff"}, "attrs": {}, "parents": [{"type": "Group", "id": "all"}]}
        ]
        """);

    [Theory]
    [InlineData("1 + 2 * 3 - 4 == 3")]
    [InlineData("-9223372036854775808 == -9223372036854775807 - 1")]
    [InlineData("!(false && 1)")]
    [InlineData("!(true && false)")]
    [InlineData("true || 1")]
    [InlineData("if 1 == 1 then true else 1 + \"\" == 2")]
    [InlineData("1 != \"1\"")]
    [InlineData("[1, 2, 2] == [2, 1]")]
    [InlineData("{a: 1, b: [2]} == {\"b\": [2], a: 1}")]
    [InlineData("[1, [2], {a: 3}].contains({a: 3})")]
    [InlineData("[1, 2, 3].containsAll([3, 1]) && ![1].containsAll([1, 2]) && [].containsAll([])")]
    [InlineData("[1, 2].containsAny([2, 9]) && ![1].containsAny([])")]
    [InlineData("[].isEmpty() && ![1].isEmpty()")]
    [InlineData("\"a.b.c\" like \"a*c\" && \"*\" like \"\\*\" && !(\"x\" like \"\\*\") && \"\" like \"*\" && \"aXbXc\" like \"a*b*c\" && !(\"ab\" like \"a*b*b\")")]
    [InlineData("\"\\u{e9}\\u{1F600}z\" like \"*\\u{1F600}*\" && !(\"\\u{1F600}\" like \"*\\u{1F601}*\")")]
    [InlineData("principal in Group::\"all\" && principal in principal && !(Group::\"all\" in principal)")]
    [InlineData("principal in [Group::\"x\", Group::\"staff\"] && !(principal in [])")]
    [InlineData("User::\"ghost\" in User::\"ghost\" && !(User::\"ghost\" in Group::\"all\")")]
    [InlineData("principal is User && principal is User in Group::\"all\" && !(principal is Group)")]
    [InlineData("principal has age && principal has address.zip && !(principal has address.street) && !(principal has x.y.z)")]
    [InlineData("!(User::\"ghost\" has age) && !(User::\"ghost\".hasTag(\"team\"))")]
    [InlineData("!(principal has boss.age) && principal has boss")]
    [InlineData("principal.address.zip == \"1\" && principal[\"name\"] == \"Alice\" && {a: {b: 2}}.a.b == 2")]
    [InlineData("principal.hasTag(\"team\") && principal.getTag(\"team\") == \"red\" && !principal.hasTag(\"x\")")]
    [InlineData("context.list.contains(2) && context.n < 8 && 8 >= context.n")]
    [InlineData("ip(\"127.0.0.1\").isLoopback() && ip(\"::1\").isLoopback() && !ip(\"127.0.0.0/7\").isLoopback() && !ip(\"::ffff:7f00:1\").isLoopback()")]
    [InlineData("ip(\"224.0.0.1\").isMulticast() && ip(\"ff00::/8\").isMulticast() && !ip(\"ff00::/7\").isMulticast()")]
    [InlineData("ip(\"10.1.2.3\").isInRange(ip(\"10.0.0.0/8\")) && !ip(\"10.0.0.0/7\").isInRange(ip(\"10.0.0.0/8\")) && !ip(\"10.0.0.1\").isInRange(ip(\"::/0\"))")]
    [InlineData("ip(\"::1\").isIpv6() && ip(\"0.0.0.0/0\").isIpv4() && ip(\"1:2:3:4:5:6:7::\") == ip(\"1:2:3:4:5:6:7:0\") && ip(\"10.0.0.1/8\") != ip(\"10.0.0.0/8\")")]
    [InlineData("decimal(\"1.5\") == decimal(\"1.5000\") && decimal(\"-0.1\").lessThan(decimal(\"0.0\")) && decimal(\"922337203685477.5807\").greaterThan(decimal(\"-922337203685477.5808\"))")]
    [InlineData("decimal(\"1.0\").lessThanOrEqual(decimal(\"1.0\")) && decimal(\"01.0\").greaterThanOrEqual(decimal(\"1.0\"))")]
    [InlineData("datetime(\"1970-01-01\").toTime() == duration(\"0s\") && datetime(\"1969-12-31T23:59:59.999Z\").toDate() == datetime(\"1969-12-31\")")]
    [InlineData("datetime(\"2024-02-29T12:00:00+0130\") == datetime(\"2024-02-29T10:30:00Z\") && datetime(\"0000-01-01\") < datetime(\"0000-03-01\")")]
    [InlineData("datetime(\"2024-10-15\").offset(duration(\"1d\")) == datetime(\"2024-10-16\") && datetime(\"2024-10-16\").durationSince(datetime(\"2024-10-15\")) == duration(\"24h\")")]
    [InlineData("duration(\"-1d2h3m4s5ms\").toMilliseconds() == -93784005 && duration(\"36h\").toDays() == 1 && duration(\"-1500ms\").toSeconds() == -1")]
    [InlineData("duration(\"1h\") > duration(\"59m\") && duration(\"90m\").toHours() == 1 && duration(\"90m\").toMinutes() == 90")]
    [InlineData("datetime(\"0000-01-01\").durationSince(datetime(\"1970-01-01\")).toDays() == -719528")]
    [InlineData("datetime(\"9999-12-31T23:59:59.999-2359\").toTime() == duration(\"23h58m59s999ms\")")]
    [InlineData("duration(\"-9223372036854775808ms\").toMilliseconds() < 0 - 9223372036854775807")]
    public void What_is_true_is_true(string expression) => Assert.True(Evaluate(expression, out _) is { } value && value == CedarValue.Bool(true), expression);

    [Theory]
    [InlineData("9223372036854775807 + 1", EvaluationErrorKind.Overflow)]
    [InlineData("-9223372036854775808 - 1", EvaluationErrorKind.Overflow)]
    [InlineData("-(-9223372036854775808)", EvaluationErrorKind.Overflow)]
    [InlineData("4611686018427387904 * 2", EvaluationErrorKind.Overflow)]
    [InlineData("1 && true", EvaluationErrorKind.WrongKind)]
    [InlineData("true && 1", EvaluationErrorKind.WrongKind)]
    [InlineData("false || \"\"", EvaluationErrorKind.WrongKind)]
    [InlineData("!1", EvaluationErrorKind.WrongKind)]
    [InlineData("-true", EvaluationErrorKind.WrongKind)]
    [InlineData("if 1 then true else true", EvaluationErrorKind.WrongKind)]
    [InlineData("1 < \"2\"", EvaluationErrorKind.WrongKind)]
    [InlineData("\"1\" < \"2\"", EvaluationErrorKind.WrongKind)]
    [InlineData("decimal(\"1.0\") < decimal(\"2.0\")", EvaluationErrorKind.WrongKind)]
    [InlineData("datetime(\"2024-01-01\") < duration(\"1s\")", EvaluationErrorKind.WrongKind)]
    [InlineData("1 + true", EvaluationErrorKind.WrongKind)]
    [InlineData("1 in Group::\"a\"", EvaluationErrorKind.WrongKind)]
    [InlineData("principal in 1", EvaluationErrorKind.WrongKind)]
    [InlineData("principal in [principal, 1]", EvaluationErrorKind.WrongKind)]
    [InlineData("1 is User", EvaluationErrorKind.WrongKind)]
    [InlineData("1 like \"1\"", EvaluationErrorKind.WrongKind)]
    [InlineData("1.contains(1)", EvaluationErrorKind.WrongKind)]
    [InlineData("[1].containsAll(1)", EvaluationErrorKind.WrongKind)]
    [InlineData("\"\".isEmpty()", EvaluationErrorKind.WrongKind)]
    [InlineData("1 has a", EvaluationErrorKind.WrongKind)]
    [InlineData("principal has age.x", EvaluationErrorKind.WrongKind)]
    [InlineData("principal.getTag(1)", EvaluationErrorKind.WrongKind)]
    [InlineData("ip(1)", EvaluationErrorKind.WrongKind)]
    [InlineData("\"127.0.0.1\".isIpv4()", EvaluationErrorKind.WrongKind)]
    [InlineData("ip(\"::\").isInRange(\"::\")", EvaluationErrorKind.WrongKind)]
    [InlineData("principal.nothing", EvaluationErrorKind.NoSuchAttribute)]
    [InlineData("context.nothing", EvaluationErrorKind.NoSuchAttribute)]
    [InlineData("principal.team", EvaluationErrorKind.NoSuchAttribute)]
    [InlineData("User::\"ghost\".age", EvaluationErrorKind.NoSuchEntity)]
    [InlineData("User::\"ghost\".getTag(\"a\")", EvaluationErrorKind.NoSuchEntity)]
    [InlineData("principal.getTag(\"age\")", EvaluationErrorKind.NoSuchTag)]
    [InlineData("ip()", EvaluationErrorKind.WrongArity)]
    [InlineData("ip(\"::\").isIpv4(1)", EvaluationErrorKind.WrongArity)]
    [InlineData("datetime(\"9999-12-31\").offset(duration(\"9223372036854775807ms\"))", EvaluationErrorKind.Overflow)]
    [InlineData("datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toDate()", EvaluationErrorKind.Overflow)]
    public void What_has_no_value_is_an_error(string expression, EvaluationErrorKind kind)
    {
        Assert.Null(Evaluate(expression, out var error));
        Assert.Equal(kind, error.Kind);
        Assert.NotEmpty(error.Message);
    }

    [Theory]
    [InlineData("ip", "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.0.0.1", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/01", "::/129", "::ffff:1.2.3.4", "fe80::1%eth0", "[::1]", "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", " ::1", "::1 ", "1:2:3:4::5:6:7:8", ":::", ":", "::1/", "0x7f.0.0.1", "1.2.3.4/+8")]
    [InlineData("decimal", "", "1", "1.", ".1", "1.12345", "+1.0", "1.0e1", "-.5", "--1.0", "922337203685477.5808", "-922337203685477.5809", "99999999999999999999.0", "1,0", " 1.0", "\u0661.0")]
    [InlineData("datetime", "", "2024", "2024-1-01", "2024-00-01", "2024-13-01", "2023-02-29", "1900-02-29", "2024-04-31", "2024-01-01T", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1234Z", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060", "2024-01-01T00:00:00+00:00", "2024-01-01t00:00:00Z", "2024-01-01Z", "10000-01-01", "-2024-01-01", "2024-01-01T00:00:00ZZ")]
    [InlineData("duration", "", "-", "1", "d", "1h1d", "1d1d", "1.5h", "+1h", "1 h", "1ms1s", "1D", "--1h", "9223372036854775808ms", "-9223372036854775809ms", "106751991168d", "9223372036854775807ms1s", "99999999999999999999s")]
    public void Texts_that_a_constructor_does_not_read_are_errors(string function, params string[] texts)
    {
        foreach (var text in texts)
        {
            Assert.Null(Evaluate($"{function}(\"{text}\")", out var error));
            Assert.True(error.Kind == EvaluationErrorKind.UnreadableText, text);
        }
    }

    private static CedarValue? Evaluate(string text, out EvaluationError error)
    {
        var diagnostics = new List<Diagnostic>();
        var expression = PolicyParser.ReadExpression(new SourceText(text), diagnostics);
        Assert.True(expression is not null, string.Join('\n', diagnostics));
        var context = new EvaluationContext();
        context.Begin(
            new Request(new(new("User"), "alice"), new(new("Action"), "view"), new(new("Photo"), "p"), ValueJson.ReadRecord("""{"n": 7, "list": [1, 2]}""")),
            Entities);
        var found = NodeCompiler.Compile(expression).TryEvaluate(context, out var value);
        error = context.Error;
        return found ? value : null;
    }
}
