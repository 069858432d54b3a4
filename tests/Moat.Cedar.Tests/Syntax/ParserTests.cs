using CsCheck;

namespace Moat.Cedar.Tests.Syntax;

public sealed class ParserTests
{
    [Fact]
    public void A_policy_is_read_with_all_its_parts()
    {
        var policy = Assert.Single(PolicySet.Parse("""
            @id("first") @note
            permit (principal is App::User in App::Group::"staff", action in [Action::"view", Action::"edit"], resource == Photo::"a\u{41}")
            when { context has a.b && principal.name like "x*\*" } unless { 1 - -2 == 3 };
            """).Policies);
        Assert.Equal("policy0", policy.Id);
        Assert.Equal("first", policy.Annotation("id"));
        Assert.Equal("", policy.Annotation("note"));
        var scope = Assert.IsType<IsScope>(policy.Principal);
        Assert.Equal("App::User", scope.Type.Name);
        Assert.Equal(["Action::\"view\"", "Action::\"edit\""], Assert.IsType<InSetScope>(policy.Action).Entities.Select(e => e.ToString()));
        Assert.Equal("aA", Assert.IsType<EqualScope>(policy.Resource).Entity.Uid!.Id);
        Assert.Equal([false, true], policy.Conditions.Select(c => c.IsUnless));
        var like = Assert.IsType<LikeExpression>(Assert.IsType<BinaryExpression>(policy.Conditions[0].Body).Right);
        Assert.Equal(["x", null, "*"], like.Pattern.Elements);
    }

    [Fact]
    public void Every_error_of_a_file_is_found_in_one_pass_with_its_place()
    {
        var errors = ErrorsOf("""
            permit(principal, action, resource) when { principal.a = 1 };
            forbid(principal, action) unless { foo };
            permit(principal, action, resource) when { 1 + };
            permit(principal, action, resource)
            forbid(principal, action, resource) when { ip("a").isIPv4() && x::y };
            """);
        Assert.Equal(["1:56", "2:25", "2:36", "3:48", "5:1", "5:52", "5:64"], errors.Select(e => e.Position.ToString()));
    }

    [Theory]
    [InlineData("1 < 2 < 3", "comparisons cannot follow each other")]
    [InlineData("1 == 2 in 3", "comparisons cannot follow each other")]
    [InlineData("9223372036854775808", "out of the range of a long")]
    [InlineData("-9223372036854775809", "out of the range of a long")]
    [InlineData("-(9223372036854775808)", "out of the range of a long")]
    [InlineData("99999999999999999999999999999999999999999999999999", "out of the range of a long")]
    [InlineData("!!!!!true", "more than 4 of `!`")]
    [InlineData("-----1", "more than 4 of `-`")]
    [InlineData("1 / 2", "no division")]
    [InlineData("1 % 2", "no remainder")]
    [InlineData("principal.in", "reserved word")]
    [InlineData("principal.__cedar", "reserved word")]
    [InlineData("__cedar::X::\"a\"", "reserved word")]
    [InlineData("{if: 1}", "reserved word")]
    [InlineData("{a: 1, \"a\": 2}", "given twice")]
    [InlineData("[1].contains()", "takes one argument, not 0")]
    [InlineData("[1].isEmpty(1)", "takes no argument, not 1")]
    [InlineData("isIpv4(ip(\"::\"))", "is a method, not a function")]
    [InlineData("\"::\".ip()", "is a function, not a method")]
    [InlineData("lower(\"A\")", "there is no function")]
    [InlineData("principal(1)", "a variable is no function")]
    [InlineData("(1)(2)", "only a name can be called")]
    [InlineData("principal[1]", "cannot stand here")]
    [InlineData("principal has 1", "cannot stand here")]
    [InlineData("principal has a::b", "cannot stand here")]
    [InlineData("principal like a", "cannot stand here")]
    [InlineData("principal is \"User\"", "cannot stand here")]
    [InlineData("principal is N * 2", "cannot stand here")]
    [InlineData("principal has a + 1", "cannot stand here")]
    [InlineData("principal.a like \"x\" - 1", "cannot stand here")]
    [InlineData("principal is N::", "cannot stand here")]
    [InlineData("?principal == principal", "a slot cannot stand in a condition")]
    [InlineData("User::{id: 1}", "an entity cannot be written as a record")]
    [InlineData("1 + if true then 1 else 2", "`if` cannot be an operand")]
    [InlineData("\"\\q\"", "there is no such escape")]
    [InlineData("\"\\x80\"", "reaches \\x7F only")]
    [InlineData("\"\\u{d800}\"", "no such character")]
    [InlineData("\"\\u{}\"", "one to six")]
    [InlineData("\"\\u{1234567}\"", "one to six")]
    [InlineData("\"\\*\"", "there is no such escape")]
    [InlineData("\"open", "never closed")]
    [InlineData("true & false", "`&` alone is no operator")]
    [InlineData("#", "begins no token")]
    public void What_means_nothing_is_refused(string expression, string message)
    {
        var error = ErrorsOf($"permit(principal, action, resource) when {{ {expression} }};")[0];
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("permit(principal, action);", "lacks `resource`")]
    [InlineData("permit(principal, action, resource, context);", "one too many")]
    [InlineData("permit(action, principal, resource);", "in the place of `principal`")]
    [InlineData("permit(principal == User, action, resource);", "`User` is no variable")]
    [InlineData("permit(principal == ?resource, action, resource);", "cannot stand for the principal")]
    [InlineData("permit(principal, action == ?action, resource);", "cannot be a slot")]
    [InlineData("permit(principal, action == User::\"a\", resource);", "is no action")]
    [InlineData("permit(principal, action in [Action::\"a\", 1], resource);", "an action must stand here")]
    [InlineData("permit(principal in [User::\"a\"], action, resource);", "an entity must stand here")]
    [InlineData("permit(principal in Group::\"a\" is User, action, resource);", "`is` stands before `in`")]
    [InlineData("permit(principal is User == User::\"a\", action, resource);", "cannot be joined with `==`")]
    [InlineData("permit(principal, action is Action, resource);", "not asked for by its type")]
    [InlineData("permit(principal < User::\"a\", action, resource);", "cannot stand in a scope")]
    [InlineData("permit(principal: User, action, resource);", "not asked for with `:`")]
    [InlineData("@a @a permit(principal, action, resource);", "given twice")]
    [InlineData("allow(principal, action, resource);", "is no effect")]
    [InlineData("permit(principal, action, resource) if { true };", "begins no condition")]
    [InlineData("permit(principal, action, resource) when { };", "the condition is empty")]
    [InlineData("permit(principal, action, resource)", "ends too early")]
    public void A_policy_that_is_no_policy_is_refused(string text, string message)
    {
        Assert.Contains(ErrorsOf(text), e => e.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void The_least_long_can_be_written()
    {
        var expression = Assert.IsType<LiteralExpression>(Expression("-9223372036854775808"));
        Assert.Equal(CedarValue.Long(long.MinValue), expression.Value);
        Assert.IsType<UnaryExpression>(Expression("--9223372036854775808"));
    }

    [Theory]
    [InlineData("(", ")", "1", 100_000)]
    [InlineData("[", "]", "", 100_000)]
    [InlineData("{a: ", "}", "1", 100_000)]
    [InlineData("if true then 1 else ", "", "1", 100_000)]
    [InlineData("ip(", ")", "1", 100_000)]
    [InlineData("true || ", "", "true", 100_000)]
    [InlineData("1 + ", "", "1", 100_000)]
    [InlineData("", ".a", "principal", 100_000)]
    [InlineData("!(", ")", "1", 100_000)]
    [InlineData("-", "", "1", 100_000)]
    [InlineData("1 < (", ")", "1", 100_000)]
    public void Nesting_without_end_is_an_error_and_no_crash(string open, string close, string middle, int times)
    {
        var text = string.Concat(Enumerable.Repeat(open, times)) + middle + string.Concat(Enumerable.Repeat(close, times));
        IReadOnlyList<Diagnostic>? errors = null;
        var thread = new Thread(() => errors = ErrorsOf($"permit(principal, action, resource) when {{ {text} }};"), 1024 * 1024);
        thread.Start();
        thread.Join();
        Assert.NotEmpty(errors!);
    }

    [Fact]
    public void Broken_text_of_any_kind_gives_errors_within_it()
    {
        Gen.OneOf("permit", "forbid", "(", ")", "principal", "action", "resource", "==", "in", "is", "has", "like", "when", "unless", "{", "}", ";", ",",
                "User", "::", "\"a\"", "1", "&&", "||", "!", "-", ".", "[", "]", "@", "if", "then", "else", "?principal", "\"", "\\", "\n", "// x\n", "=", "$")
            .Array[0, 40].Sample(parts =>
            {
                var source = new SourceText(string.Join(' ', parts));
                var parsed = PolicySet.TryParse(source, out _, out var diagnostics);
                return parsed == (diagnostics.Count == 0) && diagnostics.All(d => d.Span.Start >= 0 && d.Span.End <= source.Text.Length && d.Span.Start <= d.Span.End);
            }, iter: 20_000);
    }

    [Fact]
    public void Templates_are_linked_only_with_the_values_that_their_slots_ask_for()
    {
        var set = PolicySet.Parse("permit(principal == ?principal, action, resource is Photo in ?resource);");
        var (alice, album) = (new EntityUid(new("User"), "alice"), new EntityUid(new("Album"), "a"));
        Assert.Empty(set.Policies);
        Assert.Single(set.Templates);
        var linked = set.Link(new TemplateLink("mine", "policy0", alice, album));
        Assert.Equal(alice, Assert.IsType<EqualScope>(Assert.Single(linked.Policies).Principal).Entity.Uid);
        Assert.Throws<CedarException>(() => set.Link(new TemplateLink("mine", "policy0", alice, null)));
        Assert.Throws<CedarException>(() => set.Link(new TemplateLink("mine", "policy1", alice, album)));
        Assert.Throws<CedarException>(() => linked.Link(new TemplateLink("mine", "policy0", alice, album)));
        Assert.Throws<CedarException>(() => PolicySet.Parse("permit(principal in ?principal, action, resource);").Link(new TemplateLink("a", "policy0", alice, album)));
    }

    [Fact]
    public void Ids_from_annotations_must_differ()
    {
        var set = PolicySet.Parse("@id(\"a\") permit(principal, action, resource); forbid(principal, action, resource);").WithIdsFromAnnotations();
        Assert.Equal(["a", "policy1"], set.Policies.Select(p => p.Id));
        var twice = PolicySet.Parse("@id(\"a\") permit(principal, action, resource); @id(\"a\") forbid(principal, action, resource);");
        Assert.Throws<CedarException>(twice.WithIdsFromAnnotations);
    }

    private static IReadOnlyList<Diagnostic> ErrorsOf(string text)
    {
        Assert.False(PolicySet.TryParse(new SourceText(text), out _, out var diagnostics));
        return diagnostics;
    }

    private static Expression Expression(string text) =>
        PolicySet.Parse($"permit(principal, action, resource) when {{ {text} }};").Policies[0].Conditions[0].Body;
}
