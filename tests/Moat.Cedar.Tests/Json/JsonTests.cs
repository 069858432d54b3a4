namespace Moat.Cedar.Tests.Json;

public sealed class JsonTests
{
    [Fact]
    public void A_policy_has_the_JSON_form_that_Cedar_gives_it()
    {
        var policy = PolicySet.Parse("""@b("x") @a permit(principal is A::B in ?principal, action in [Action::"x", Action::"y"], resource) unless { context has a.b && "x" like "a*\*" };""").Templates[0];
        Assert.Equal(
            """
            {"effect":"permit","principal":{"op":"is","entity_type":"A::B","in":{"slot":"?principal"}},"action":{"op":"in","entities":[{"type":"Action","id":"x"},{"type":"Action","id":"y"}]},
            "resource":{"op":"All"},"conditions":[{"kind":"unless","body":{"&&":{"left":{"&&":{"left":{"has":{"left":{"Var":"context"},"attr":"a"}},
            "right":{"has":{"left":{".":{"left":{"Var":"context"},"attr":"a"}},"attr":"b"}}}},"right":{"like":{"left":{"Value":"x"},
            "pattern":[{"Literal":"a"},"Wildcard",{"Literal":"*"}]}}}}}],"annotations":{"a":null,"b":"x"}}
            """.ReplaceLineEndings(""),
            PolicyJson.Write(policy));
    }

    [Fact]
    public void A_set_keeps_its_templates_and_links()
    {
        var set = PolicySet.Parse("permit(principal == ?principal, action, resource in ?resource); forbid(principal, action, resource) when { 1 == 2 };")
            .Link(new TemplateLink("link", "policy0", new(new("User"), "a"), new(new("Album"), "b")));
        var again = PolicySetJson.Read(PolicySetJson.Write(set));
        Assert.Equal(PolicySetJson.Write(set), PolicySetJson.Write(again));
        Assert.Equal("Album::\"b\"", Assert.IsType<InScope>(again.Find("link")!.Resource).Entity.ToString());
    }

    [Fact]
    public void Values_survive_their_JSON_form()
    {
        const string Json = """
            {"b":true,"d":{"__extn":{"fn":"decimal","arg":"-1.0500"}},"e":{"__entity":{"type":"A::B","id":"x\"y"}},"i":{"__extn":{"fn":"ip","arg":"10.0.0.0/8"}},
            "l":-9223372036854775808,"r":{"x y":[1,"a",[]]},"t":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"1970-01-01"}},{"__extn":{"fn":"duration","arg":"5ms"}}]}},
            "u":{"__extn":{"fn":"duration","arg":"-90000ms"}}}
            """;
        var record = ValueJson.ReadRecord(Json);
        Assert.Equal(Json.ReplaceLineEndings(""), JsonText.Of(writer => ValueJson.Write(writer, CedarValue.Record(record))));
    }

    [Theory]
    [InlineData("""{"a": null}""", "null")]
    [InlineData("""{"a": 1.5}""", "long")]
    [InlineData("""{"a": 1e3}""", "long")]
    [InlineData("""{"a": 9223372036854775808}""", "long")]
    [InlineData("""{"a": 1, "a": 2}""", "not in order")]
    [InlineData("""{"a": {"__expr": "1"}}""", "__expr")]
    [InlineData("""{"a": {"__entity": {"type": "if", "id": "x"}}}""", "name of an entity type")]
    [InlineData("""{"a": {"__extn": {"fn": "nope", "arg": "x"}}}""", "no such function")]
    [InlineData("""{"a": {"__extn": {"fn": "ip", "arg": "x"}}}""", "does not take")]
    [InlineData("""{"a": "\ud800"}""", "Unicode")]
    [InlineData("[]", "object")]
    public void What_is_no_record_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<CedarException>(() => ValueJson.ReadRecord(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"==": {"left": {"Value": 1}}}""", "`right` is missing")]
    [InlineData("""{"==": {"left": {"Value": 1}, "right": {"Value": 1}, "more": 1}}""", "no such property")]
    [InlineData("""{"Value": 1, "Var": "principal"}""", "one name")]
    [InlineData("""{"Var": "me"}""", "no such variable")]
    [InlineData("""{"Slot": "?principal"}""", "slot")]
    [InlineData("""{"nope": []}""", "no such operator")]
    [InlineData("""{"like": {"left": {"Value": ""}, "pattern": ["x"]}}""", "Wildcard")]
    [InlineData("""{"is": {"left": {"Var": "principal"}, "entity_type": "a b"}}""", "name of an entity type")]
    public void What_is_no_expression_is_refused_with_the_way_to_it(string body, string message)
    {
        var json = $$"""{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": {{body}}}]}""";
        var error = Assert.Throws<CedarException>(() => PolicyJson.Read(json, "p")).Message;
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Contains("$.conditions[0].body", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"!": {"arg": """, "}}", 5_000)]
    [InlineData("""{"Set": [""", "]}", 5_000)]
    [InlineData("""{"Value": [""", "]}", 1)]
    public void Nesting_without_end_is_an_error_and_no_crash(string open, string close, int times)
    {
        var inner = times == 1 ? string.Concat(Enumerable.Repeat("[", 2_000)) + string.Concat(Enumerable.Repeat("]", 2_000)) : """{"Value": true}""";
        var body = string.Concat(Enumerable.Repeat(open, times)) + inner + string.Concat(Enumerable.Repeat(close, times));
        var json = $$"""{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": {{body}}}]}""";
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(() => PolicyJson.Read(json, "p")), 1024 * 1024);
        thread.Start();
        thread.Join();
        Assert.IsType<CedarException>(error);
    }

    [Theory]
    [InlineData("-(5) == -5 - -5 - (5 - 5) * 2")]
    [InlineData("-(-9223372036854775808) == 1 && !(!true)")]
    [InlineData("(-5).a == (1 + 2).b && (if true then 1 else 2) == 3")]
    [InlineData("if a then b else if c then d else e", "principal")]
    [InlineData("(true || false) && (true && false || true) || true")]
    [InlineData("true || (true || true) && (true && true)")]
    [InlineData("(1 == 2) == (3 < 4) && (1 in 2) in 3 && (1 has a) has b")]
    [InlineData("{\"if\": 1, a: {}, \"a b\": []}[\"a b\"] == context[\"if\"].__ced")]
    [InlineData("principal has \"if\" && principal has a.b && principal.x has \"\"")]
    [InlineData("1 like \"*\\*\\n\" && principal is A::B in 1 + 2 && [1, if true then 1 else 2].contains(1)")]
    [InlineData("ip(\"::\").isInRange(ip()).isEmpty() == {a: 1}.getTag(\"x\").offset(1)")]
    public void An_expression_is_written_with_the_parentheses_that_it_needs(string text, string variable = "")
    {
        if (variable.Length > 0) text = string.Join(' ', text.Split(' ').Select(w => w is "a" or "b" or "c" or "d" or "e" ? variable : w));
        var set = PolicySet.Parse($"permit(principal, action, resource) when {{ {text} }};");
        Assert.Equal(PolicySetJson.Write(set), PolicySetJson.Write(PolicySet.Parse(PolicyText.Write(set.Policies[0]))));
        Assert.Equal(text, set.Policies[0].Conditions[0].Body.ToString());
    }

    [Fact]
    public void A_path_of_names_that_are_no_identifiers_is_spelt_out()
    {
        var has = new BinaryExpression(BinaryOperator.Or, new HasAttributeExpression(new VariableExpression(Variable.Context), ["a b", "c"]), new LiteralExpression(CedarValue.Bool(false)));
        Assert.Equal("""context has "a b" && context["a b"] has c || false""", has.ToString());
    }

    [Fact]
    public void A_request_names_its_entities_in_either_form()
    {
        var request = RequestJson.Read("""{"principal": "A::User::\"x\"", "action": {"type": "Action", "id": "v"}, "resource": {"__entity": {"type": "P", "id": "p"}}, "context": {"a": 1}}""");
        Assert.Equal(("A::User::\"x\"", "Action::\"v\"", "P::\"p\""), (request.Principal.ToString(), request.Action.ToString(), request.Resource.ToString()));
        Assert.Throws<CedarException>(() => RequestJson.Read("""{"principal": "x", "action": "Action::\"v\"", "resource": "P::\"p\""}"""));
    }
}
