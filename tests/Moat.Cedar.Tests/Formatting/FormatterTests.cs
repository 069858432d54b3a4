namespace Moat.Cedar.Tests.Formatting;

public sealed class FormatterTests
{
    [Fact]
    public void A_plain_scope_stays_on_one_line() =>
        Laid("permit(principal,action,resource);", "permit (principal, action, resource);\n");

    [Fact]
    public void A_scope_with_constraints_has_a_line_for_each_part() => Laid(
        "permit(principal==User::\"a\",action in[Action::\"b\",Action::\"c\"],resource is Photo in Album::\"d\");",
        """
        permit (
          principal == User::"a",
          action in [Action::"b", Action::"c"],
          resource is Photo in Album::"d"
        );

        """);

    [Fact]
    public void A_condition_that_fits_stays_on_one_line_and_another_has_a_line_for_each_operand() => Laid(
        "@id(\"x\")@note permit(principal,action,resource)when{principal.a&&resource.b}unless{principal.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa==1||resource.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb};",
        """
        @id("x")
        @note
        permit (principal, action, resource)
        when { principal.a && resource.b }
        unless
        {
          principal.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa == 1 ||
          resource.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        };

        """);

    [Fact]
    public void Branches_records_and_long_sets_break_where_they_do_not_fit() => Laid(
        "permit(principal,action,resource)when{if principal has aaaaaaaaaaaaaaaaaaaa then {bbbbbbbbbbbbbbb:1,cccccccccccccccccc:2}==context.d else [\"eeeeeeeeeeeeeeeeeeee\",\"ffffffffffffffffffffffffff\",\"gggggggggggggg\"].contains(principal.name)};",
        """
        permit (principal, action, resource)
        when
        {
          if
            principal has aaaaaaaaaaaaaaaaaaaa
          then
            { bbbbbbbbbbbbbbb: 1, cccccccccccccccccc: 2 } == context.d
          else
            ["eeeeeeeeeeeeeeeeeeee",
             "ffffffffffffffffffffffffff",
             "gggggggggggggg"].contains
              (
                principal.name
              )
        };

        """);

    [Fact]
    public void Comments_stay_with_what_they_stand_before_or_behind() => Laid(
        """
        // of the file

        // of the policy
        permit(principal, // who
          action, resource) // what
        when { // if
          // the first
          principal.a && // and
          resource.b
        }; // end


        // last
        """,
        """
        // of the file
        // of the policy
        permit (principal, // who
          action, resource) // what
        when
        { // if
          // the first
          principal.a && // and
          resource.b
        }; // end
        // last

        """);

    [Fact]
    public void Policies_have_one_blank_line_between_them() => Laid(
        "permit(principal,action,resource);\n\n\n\n\nforbid(principal,action,resource);permit(principal,action,resource);",
        """
        permit (principal, action, resource);

        forbid (principal, action, resource);

        permit (principal, action, resource);

        """);

    [Fact]
    public void The_last_comma_of_a_list_goes_and_its_comments_stay() => Laid(
        "permit(principal,action,resource) when { [1,2 /* */ ,].contains(1) };".Replace(" /* */", "// two\n", StringComparison.Ordinal),
        """
        permit (principal, action, resource)
        when
        {
          [1,
           2 // two
          ].contains
            (
              1
            )
        };

        """);

    [Fact]
    public void Strings_stay_as_they_are_written() => Laid(
        "permit(principal,action,resource)when{\"a\\u{62}\n\n  // no comment\n\"==context.x};",
        "permit (principal, action, resource)\nwhen { \"a\\u{62}\n\n  // no comment\n\" == context.x };\n");

    [Fact]
    public void The_width_and_the_indentation_can_be_chosen()
    {
        var text = PolicyFormatter.Format(new SourceText("permit(principal,action,resource)when{principal.a&&resource.b};"), width: 20, indent: 4);
        Assert.Equal("permit\n(principal, action, resource)\nwhen\n{\n    principal.a &&\n    resource.b\n};\n", text);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("  \n", "")]
    [InlineData(" // nothing\n  // more", "// nothing\n// more\n")]
    public void A_text_without_policies_keeps_its_comments(string text, string expected) => Laid(text, expected);

    [Fact]
    public void A_text_that_is_not_in_order_is_refused() =>
        Assert.Throws<CedarException>(() => PolicyFormatter.Format(new SourceText("permit(principal, action);")));

    private static void Laid(string text, string expected)
    {
        Assert.Equal(expected, PolicyFormatter.Format(new SourceText(text)));
        Assert.Equal(expected, PolicyFormatter.Format(new SourceText(expected)));
    }
}
