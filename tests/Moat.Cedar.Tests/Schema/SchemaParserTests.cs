namespace Moat.Cedar.Tests.Schema;

public sealed class SchemaParserTests
{
    [Fact]
    public void A_schema_is_read_with_all_its_parts()
    {
        Assert.True(SchemaFragment.TryParse(new SourceText("""
            // comments are skipped
            @doc("app") namespace App {
              type Name = String;
              @note entity User, Bot in [Group, Team] = { "full name": Name, @x("y") age?: Long, } tags Set<String>;
              entity Team enum ["red", "a\tb"];
              action view, "edit it" in [all, Other::Action::"x"] appliesTo { principal: User, resource: [User, Bot], context: { ip: ipaddr }, };
              action all attributes {};
            }
            entity Group;
            """), out var schema, out var diagnostics));
        Assert.Empty(diagnostics);
        Assert.Equal(["App", ""], schema.Namespaces.Select(n => n.Name));
        var app = schema.Namespaces[0];
        Assert.Equal(("doc", "app"), (app.Annotations[0].Name, app.Annotations[0].Value));
        Assert.Equal(["User", "Bot", "Team"], app.EntityTypes.Select(e => e.Name));
        Assert.Equal(["Group", "Team"], app.EntityTypes[1].Parents.Select(p => p.Name));
        Assert.Equal(("note", ""), (app.EntityTypes[1].Annotations[0].Name, app.EntityTypes[1].Annotations[0].Value));
        var shape = Assert.IsType<RecordSchemaType>(app.EntityTypes[0].Shape);
        Assert.Equal([("full name", true), ("age", false)], shape.Attributes.Select(a => (a.Name, a.IsRequired)));
        Assert.Equal("Name", Assert.IsType<NamedSchemaType>(shape.Attributes[0].Type).Name);
        Assert.IsType<SetSchemaType>(app.EntityTypes[0].Tags);
        Assert.Equal(["red", "a\tb"], app.EntityTypes[2].Choices);
        Assert.Equal(["view", "edit it", "all"], app.Actions.Select(a => a.Name));
        Assert.Equal([(null, "all"), ("Other::Action", "x")], app.Actions[0].Groups.Select(g => (g.Type, g.Id)));
        Assert.Equal(["User"], app.Actions[0].AppliesTo!.Principals.Select(p => p.Name));
        Assert.Equal(["User", "Bot"], app.Actions[0].AppliesTo!.Resources.Select(p => p.Name));
    }

    [Theory]
    [InlineData("entity namespace, entity, type, Set, appliesTo, principal, action, resource, context, attributes, tags, enum, Bool2;")]
    [InlineData("entity A in [];")]
    [InlineData("entity A {};")]
    [InlineData("entity A = {};")]
    [InlineData("entity A { principal: Long, \"if\": Long };")]
    [InlineData("action a; action b in a; action c in [a, \"b\"];")]
    [InlineData("entity A; action a appliesTo { resource: A, principal: [A] };")]
    [InlineData("type T = { a: Set<Set<{ b: Long }>> };")]
    [InlineData("entity A; type Set2 = Set<A>;")]
    [InlineData("")]
    [InlineData("namespace A {} namespace A::B {}")]
    public void What_is_in_order_is_read(string text) => Assert.Empty(Problems(text));

    [Theory]
    [InlineData("entity;", "entity§;§", "unexpected `;`")]
    [InlineData("entity if;", "entity §if§;", "`if` is a reserved word")]
    [InlineData("entity A {a: Long,, b: Long};", "entity A {a: Long,§,§ b: Long};", "unexpected `,`")]
    [InlineData("entity A {a Long};", "entity A {a §Long§};", "unexpected `Long`")]
    [InlineData("entity A {a: 1};", "entity A {a: §1§};", "unexpected `1`")]
    [InlineData("entity A in [B,];", "entity A in [B,§]§;", "unexpected `]`")]
    [InlineData("entity A enum [];", "entity A enum [§]§;", "unexpected `]`")]
    [InlineData("entity A enum [\"a\",];", "entity A enum [\"a\",§]§;", "unexpected `]`")]
    [InlineData("entity A", "entity A§§", "the schema ends here")]
    [InlineData("entity A { \"a\\q\": Long };", "entity A { \"a§\\q§\": Long };", "there is no such escape")]
    [InlineData("entity A { a: \"x };", "entity A { a: §\"x };§", "the string is never closed")]
    [InlineData("entity A; entity A;", "entity A; entity §A§;", "the entity type `A` is declared twice")]
    [InlineData("entity A, A;", "entity A, §A§;", "the entity type `A` is declared twice")]
    [InlineData("type A = Long; type A = Long;", "type A = Long; type §A§ = Long;", "the common type `A` is declared twice")]
    [InlineData("action a; action \"a\";", "action a; action §\"a\"§;", "the action `a` is declared twice")]
    [InlineData("namespace A {} namespace A {}", "namespace A {} namespace §A§ {}", "the namespace `A` is declared twice")]
    [InlineData("namespace __cedar {}", "namespace §__cedar§ {}", "`__cedar` is Cedar's own")]
    [InlineData("namespace A {};", "namespace A {}§;§", "no `;` stands after a namespace")]
    [InlineData("namespace A { namespace B {} }", "namespace A { §namespace§ B {} }", "unexpected `namespace`")]
    [InlineData("type Long = String;", "type §Long§ = String;", "`Long` is a word of schemas")]
    [InlineData("type Record = String;", "type §Record§ = String;", "`Record` is a word of schemas")]
    [InlineData("type __cedar = String;", "type §__cedar§ = String;", "`__cedar` cannot be declared")]
    [InlineData("entity Action;", "entity §Action§;", "is there without being declared")]
    [InlineData("action a appliesTo { principal: A };", "action §a§ appliesTo { principal: A };", "says not which resources it applies to")]
    [InlineData("action a appliesTo { principal: [], resource: A };", "action a appliesTo { §principal: []§, resource: A };", "the list of principals is empty")]
    [InlineData("action a appliesTo { principal: A, principal: A, resource: A };", "action a appliesTo { principal: A, §principal§: A, resource: A };", "`principal` is said twice")]
    [InlineData("action a appliesTo {};", "action a appliesTo {§}§;", "unexpected `}`")]
    [InlineData("action a { principal: A, resource: A };", "action a §{§ principal: A, resource: A };", "unexpected `{`")]
    [InlineData("action a in [];", "action a in [§]§;", "unexpected `]`")]
    [InlineData("action a in A::B;", "action a in A::B§;§", "unexpected `;`")]
    [InlineData("action a appliesTo { principal: A, resource: A, context: Set<Long> };", "action a appliesTo { principal: A, resource: A, context: Set§<§Long> };", "unexpected `<`")]
    [InlineData("@a @a entity A;", "@a §@a§ entity A;", "the annotation @a is given twice")]
    [InlineData("@a(1) entity A;", "@a(§1§) entity A;", "unexpected `1`")]
    [InlineData("entity A } entity B;", "entity A §}§ entity B;", "unexpected `}`")]
    [InlineData("entity A $;", "entity A §$§;", "this character begins no token")]
    public void An_error_is_reported_where_it_stands(string text, string marked, string message) =>
        Assert.Equal((marked, true), (Mark(text, Problems(text)[0]), Problems(text)[0].Message.Contains(message, StringComparison.Ordinal)));

    [Fact]
    public void Every_error_of_a_text_is_found_at_once()
    {
        var problems = Problems("""
            entity A { a: };
            entity B;
            action x appliesTo { principal: A, };
            namespace N {
              type T = ;
              entity C in ;
            }
            type U = Set<;
            """);
        Assert.Equal(["1:15", "3:8", "5:12", "6:15", "8:14"], problems.Select(p => p.Position.ToString()));
    }

    [Fact]
    public void The_last_of_two_attributes_counts_and_is_warned_of()
    {
        Assert.True(SchemaFragment.TryParse(new SourceText("type T = { a: Long, a: String };"), out var schema, out var diagnostics));
        Assert.Equal((DiagnosticSeverity.Warning, 20), (Assert.Single(diagnostics).Severity, diagnostics[0].Span.Start));
        Assert.Equal("String", Assert.IsType<NamedSchemaType>(Assert.Single(((RecordSchemaType)schema.Namespaces[0].CommonTypes[0].Type).Attributes).Type).Name);
    }

    [Theory]
    [InlineData("entity Bool;", "entity §Bool§;", "hides the built-in type")]
    [InlineData("entity A; type A = Long;", "entity A; type §A§ = Long;", "hides the entity type of that name")]
    public void A_name_that_hides_another_is_warned_of(string text, string marked, string message)
    {
        Assert.True(SchemaFragment.TryParse(new SourceText(text), out _, out var diagnostics));
        var warning = Assert.Single(diagnostics);
        Assert.Equal((DiagnosticSeverity.Warning, marked, true), (warning.Severity, Mark(text, warning), warning.Message.Contains(message, StringComparison.Ordinal)));
    }

    [Fact]
    public void Types_nested_without_end_are_refused_without_a_stack_overflow()
    {
        var text = $"type T = {string.Concat(Enumerable.Repeat("Set<", 100_000))}Long{new string('>', 100_000)};";
        Assert.Contains("nested more than", Problems(text)[0].Message, StringComparison.Ordinal);
    }

    private static List<Diagnostic> Problems(string text)
    {
        var read = SchemaFragment.TryParse(new SourceText(text), out _, out var diagnostics);
        var errors = diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).ToList();
        Assert.Equal(!read, errors.Count > 0);
        return errors;
    }

    private static string Mark(string text, Diagnostic diagnostic) => text.Insert(diagnostic.Span.End, "§").Insert(diagnostic.Span.Start, "§");
}
