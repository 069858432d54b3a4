namespace Moat.Cedar.Tests.Schema;

public sealed class SchemaResolutionTests
{
    [Fact]
    public void A_name_means_what_its_own_namespace_declares_before_what_stands_outside()
    {
        var schema = CedarSchema.Parse("""
            entity Outer;
            namespace A { entity Inner; entity X { a: Inner, b: Outer, c: B::Inner, d: A::Inner }; }
            namespace B { entity Inner; }
            """);
        Assert.Equal("{a: A::Inner, b: Outer, c: B::Inner, d: A::Inner}", Attributes(schema, "A::X"));
    }

    [Fact]
    public void A_common_type_comes_before_an_entity_type_of_its_name()
    {
        var schema = CedarSchema.Parse("namespace A { entity T; type T = Long; entity X in [T] { a: T }; }");
        Assert.Equal("{a: Long}", Attributes(schema, "A::X"));
        Assert.Equal([new EntityType("A::T")], schema.Find(new EntityType("A::X"))!.Ancestors);
    }

    [Fact]
    public void Built_in_types_can_be_hidden_and_still_be_had()
    {
        var schema = CedarSchema.Parse("namespace A { entity Long; entity decimal; entity X { a: Long, b: __cedar::Long, c: decimal, d: __cedar::decimal, e: Bool }; }");
        Assert.Equal("{a: A::Long, b: Long, c: A::decimal, d: decimal, e: Bool}", Attributes(schema, "A::X"));
    }

    [Fact]
    public void Common_types_may_use_each_other_in_any_order()
    {
        var schema = CedarSchema.Parse("type A = { x: B }; type B = Set<C>; type C = User; entity User { a?: A };");
        Assert.Equal("{a?: {x: Set<User>}}", Attributes(schema, "User"));
    }

    [Fact]
    public void Membership_reaches_through_any_number_of_types()
    {
        var schema = CedarSchema.Parse("entity A in [B]; entity B in [C]; entity C in [A]; entity D;");
        EntityType[] all = [new("A"), new("B"), new("C")];
        foreach (var type in all) Assert.True(schema.Find(type)!.Descendants.SetEquals(all));
        Assert.Empty(schema.Find(new EntityType("D"))!.Descendants);
    }

    [Fact]
    public void Groups_of_actions_reach_through_namespaces()
    {
        var schema = CedarSchema.Parse("""
            action all;
            namespace A { action read in [Action::"all"]; action view in [read, B::Action::"x"]; }
            namespace B { action x; }
            """);
        var view = schema.Find(new EntityUid(new EntityType("A::Action"), "view"))!;
        Assert.Equal(["A::Action::\"read\"", "Action::\"all\"", "B::Action::\"x\""], view.Ancestors.Select(a => a.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(2, schema.Find(new EntityUid(new EntityType("Action"), "all"))!.Descendants.Count);
    }

    [Fact]
    public void An_attribute_may_be_an_action() => Assert.Equal("{a: Action}", Attributes(CedarSchema.Parse("action x; entity A { a: Action };"), "A"));

    [Theory]
    [InlineData("entity A { a: Missing };", "entity A { a: §Missing§ };", "no type `Missing` is declared")]
    [InlineData("entity A in [Missing];", "entity A in [§Missing§];", "no entity type `Missing` is declared")]
    [InlineData("type T = Long; entity A in [T];", "type T = Long; entity A in [§T§];", "no entity type `T` is declared")]
    [InlineData("entity A { a: Set<{ b: B::C }> };", "entity A { a: Set<{ b: §B::C§ }> };", "no type `B::C` is declared")]
    [InlineData("entity A { a: Action };", "entity A { a: §Action§ };", "no type `Action` is declared")]
    [InlineData("entity A in [Action]; action x;", "entity A in [§Action§]; action x;", "is the type of actions")]
    [InlineData("action x appliesTo { principal: Action, resource: Action };", "action x appliesTo { principal: §Action§, resource: Action };", "is the type of actions")]
    [InlineData("action x in y;", "action x in §y§;", "no action `y` is declared")]
    [InlineData("action x in A::Action::\"x\";", "action x in §A::Action::\"x\"§;", "no action `x` of the type A::Action is declared")]
    [InlineData("action x in x;", "action §x§ in x;", "is in itself")]
    [InlineData("action x in y; action y in x;", "action §x§ in y; action y in x;", "is in itself")]
    [InlineData("type A = Set<A>;", "type A = Set<§A§>;", "is made of itself")]
    [InlineData("type A = { b: B }; type B = A;", "type A = { b: B }; type B = §A§;", "is made of itself")]
    [InlineData("entity A; action x appliesTo { principal: A, resource: A, context: A };", "entity A; action x appliesTo { principal: A, resource: A, context: §A§ };", "the context of Action::\"x\" is no record but A")]
    [InlineData("entity A; namespace N { entity A; }", "entity A; namespace N { entity §A§; }", "`N::A` hides `A`")]
    [InlineData("type A = Long; namespace N { entity A; }", "type A = Long; namespace N { entity §A§; }", "`N::A` hides `A`")]
    [InlineData("action x; namespace N { action x; }", "action x; namespace N { action §x§; }", "N::Action::\"x\" hides Action::\"x\"")]
    public void A_name_that_means_nothing_or_the_wrong_thing_is_refused_where_it_stands(string text, string marked, string message)
    {
        Assert.False(CedarSchema.TryParse(new SourceText(text), out _, out var diagnostics));
        var first = diagnostics[0];
        Assert.Equal((marked, true), (text.Insert(first.Span.End, "§").Insert(first.Span.Start, "§"), first.Message.Contains(message, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_name_that_is_nearly_right_is_helped_along()
    {
        Assert.False(CedarSchema.TryParse(new SourceText("entity Account { a: Acount, b: Strin };"), out _, out var diagnostics));
        Assert.Equal(["did you mean `Account`?", "did you mean `String`?"], diagnostics.Select(d => d.Help));
    }

    [Fact]
    public void Fragments_may_use_what_others_declare_but_not_declare_it_again()
    {
        Assert.True(SchemaFragment.TryParse(new SourceText("namespace A { entity X in [Y]; }"), out var first, out _));
        Assert.True(SchemaFragment.TryParse(new SourceText("namespace A { entity Y; }"), out var second, out _));
        Assert.True(CedarSchema.TryResolve([first, second], out _, out _));
        Assert.False(CedarSchema.TryResolve([first], out _, out _));
        Assert.False(CedarSchema.TryResolve([first, second, second], out _, out var diagnostics));
        Assert.Contains(diagnostics, d => d.Message == "the entity type `A::Y` is declared twice");
    }

    [Fact]
    public void Common_types_that_nest_or_grow_without_end_are_refused()
    {
        var nested = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"type T{i} = Set<{(i == 0 ? "Long" : $"T{i - 1}")}>;\n"));
        var backwards = string.Concat(Enumerable.Range(0, 20_000).Reverse().Select(i => $"type T{i} = Set<{(i == 0 ? "Long" : $"T{i - 1}")}>;\n"));
        var grown = string.Concat(Enumerable.Range(0, 60).Select(i => $"type T{i} = {{ a: {(i == 0 ? "Long" : $"T{i - 1}")}, b: {(i == 0 ? "Long" : $"T{i - 1}")} }};\n"));
        foreach (var text in new[] { nested, backwards, grown })
        {
            Assert.False(CedarSchema.TryParse(new SourceText(text), out _, out var diagnostics));
            Assert.Contains(diagnostics, d => d.Message.Contains("nested more than", StringComparison.Ordinal) || d.Message.Contains("is made of more than", StringComparison.Ordinal));
        }
    }

    private static string Attributes(CedarSchema schema, string type) => schema.Find(new EntityType(type))!.Attributes.ToString();
}
