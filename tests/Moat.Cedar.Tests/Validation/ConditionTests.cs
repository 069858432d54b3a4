namespace Moat.Cedar.Tests.Validation;

/// <summary>The rules for expressions, each with what it accepts and with what it refuses and where.</summary>
public sealed class ConditionTests
{
    [Theory]
    [InlineData("principal.name == \"x\"")]
    [InlineData("principal has age && principal.age > 3")]
    [InlineData("principal has age && (principal.age > 3 || principal.age < 1)")]
    [InlineData("!(principal has age) || principal.age > 3", "principal.age")]
    [InlineData("if principal has age then principal.age > 3 else true")]
    [InlineData("if principal has age then true else principal.age > 3", "principal.age")]
    [InlineData("(principal has age && resource.public) && principal.age > 3")]
    [InlineData("(principal has age || resource.public) && principal.age > 3", "principal.age")]
    [InlineData("(principal has age || principal has age) && principal.age > 3")]
    [InlineData("(if resource.public then principal has age else principal has age) && principal.age > 3")]
    [InlineData("(if resource.public then principal has age else principal has manager) && principal.age > 3", "principal.age")]
    [InlineData("(if principal has age then resource.public else false) && principal.age > 3", "principal.age")]
    [InlineData("principal has manager && principal.manager has age && principal.manager.age > 3")]
    [InlineData("principal has manager.age && principal.manager.age > 3")]
    [InlineData("principal has manager.manager && principal.manager.manager.name == \"x\"")]
    [InlineData("principal has manager && principal.manager.age > 3", "principal.manager.age")]
    [InlineData("principal.address has zip && principal.address.zip == \"1\"")]
    [InlineData("principal.address[\"zip\"] == \"1\"", "principal.address[\"zip\"]")]
    [InlineData("context has count && context.count == 1")]
    [InlineData("{a: principal} has a && {a: principal}.a == principal")]
    [InlineData("principal has age && [principal.age].contains(1)")]
    public void An_optional_attribute_is_read_only_where_it_is_known_to_be_there(string condition, string? refused = null) =>
        Expect(condition, refused, "is optional and may be missing here");

    [Theory]
    [InlineData("principal.nmae == \"x\"", "principal.nmae")]
    [InlineData("context.nothing", "context.nothing")]
    [InlineData("principal.address.street == \"x\"", "principal.address.street")]
    [InlineData("action.name == \"x\"", "action.name")]
    [InlineData("{a: 1}.b == 1", "{a: 1}.b")]
    public void An_attribute_that_is_not_declared_is_refused(string condition, string refused) => Expect(condition, refused, "has no attribute");

    [Theory]
    [InlineData("principal.hasTag(\"a\") && principal.getTag(\"a\") == \"x\"")]
    [InlineData("principal.hasTag(principal.name) && principal.getTag(principal.name) == \"x\"")]
    [InlineData("resource.hasTag(\"a\") && resource.getTag(\"a\").contains(\"x\")")]
    [InlineData("principal.getTag(\"a\") == \"x\"", "principal.getTag(\"a\")")]
    [InlineData("principal.hasTag(\"a\") && principal.getTag(\"b\") == \"x\"", "principal.getTag(\"b\")")]
    [InlineData("principal.hasTag(\"a\") && resource.owner.getTag(\"a\") == \"x\"", "resource.owner.getTag(\"a\")")]
    public void A_tag_is_read_only_where_it_is_known_to_be_there(string condition, string? refused = null) => Expect(condition, refused, "may not have this tag");

    [Theory]
    [InlineData("principal.name && true", "principal.name", "Bool belongs here, not String")]
    [InlineData("!1", "1", "Bool belongs here, not Long")]
    [InlineData("if 1 then true else false", "1", "Bool belongs here, not Long")]
    [InlineData("true && \"x\"", "\"x\"", "Bool belongs here, not String")]
    [InlineData("false || 1", "1", "Bool belongs here, not Long")]
    [InlineData("-principal.name == 1", "principal.name", "Long belongs here, not String")]
    [InlineData("1 + \"x\" == 2", "\"x\"", "Long belongs here, not String")]
    [InlineData("principal * 2 == 2", "principal", "Long belongs here, not User")]
    [InlineData("1 < \"x\"", "\"x\"", "Long belongs here, not String")]
    [InlineData("\"x\" <= 1", "\"x\"", "Long belongs here, not String")]
    [InlineData("principal.since < 1", "principal.since", "Long belongs here, not datetime")]
    [InlineData("principal.since < resource.shown", "resource.shown", "datetime belongs here, not duration")]
    [InlineData("\"x\" < resource.shown", "\"x\"", "duration belongs here, not String")]
    [InlineData("principal.score < principal.score", "principal.score", "Long or datetime or duration belongs here, not decimal")]
    [InlineData("1.name == 2", "1", "an entity or a record belongs here, not Long")]
    [InlineData("principal.name has x", "principal.name", "an entity or a record belongs here, not String")]
    [InlineData("principal like \"x\"", "principal", "String belongs here, not User")]
    [InlineData("1 is User", "1", "an entity belongs here, not Long")]
    [InlineData("1 in principal", "1", "an entity belongs here, not Long")]
    [InlineData("principal in 1", "1", "Set<an entity> or an entity belongs here, not Long")]
    [InlineData("principal in principal.nicknames", "principal.nicknames", "Set<an entity> or an entity belongs here, not Set<String>")]
    [InlineData("principal.name.contains(\"x\")", "principal.name", "a set belongs here, not String")]
    [InlineData("principal.nicknames.containsAll(\"x\")", "\"x\"", "a set belongs here, not String")]
    [InlineData("principal.containsAny([1])", "principal", "a set belongs here, not User")]
    [InlineData("principal.name.isEmpty()", "principal.name", "a set belongs here, not String")]
    [InlineData("principal.hasTag(1)", "1", "String belongs here, not Long")]
    [InlineData("\"x\".hasTag(\"a\")", "\"x\"", "an entity belongs here, not String")]
    [InlineData("principal.name.isIpv4()", "principal.name", "ipaddr belongs here, not String")]
    [InlineData("principal.home.isInRange(principal.score)", "principal.score", "ipaddr belongs here, not decimal")]
    [InlineData("principal.since.offset(1) == principal.since", "1", "duration belongs here, not Long")]
    public void An_operand_of_a_wrong_type_is_refused_where_it_stands(string condition, string refused, string message) => Expect(condition, refused, message);

    [Theory]
    [InlineData("principal.since < principal.since.offset(resource.shown)")]
    [InlineData("resource.shown >= duration(\"1h\")")]
    [InlineData("principal.score.lessThan(decimal(\"1.0\"))")]
    [InlineData("context.from.isInRange(ip(\"10.0.0.0/8\"))")]
    [InlineData("principal.since.toTime().toHours() > 3")]
    [InlineData("principal in principal.friends")]
    [InlineData("principal in [Group::\"a\", Group::\"b\"]")]
    [InlineData("principal.nicknames.containsAny([\"a\", \"b\"])")]
    [InlineData("[principal, resource.owner].contains(resource.owner)")]
    [InlineData("{a: 1, b: [true, false]} == {b: [resource.public], a: 2}")]
    [InlineData("(if resource.public then principal else resource.owner).name == \"x\"")]
    public void Operands_of_the_right_types_are_accepted(string condition) => Assert.Empty(PhotoSchema.ConditionProblems(condition));

    [Theory]
    [InlineData("principal.name == 1", "principal.name == 1", "both sides of ==")]
    [InlineData("principal.address != {city: \"x\"}", "principal.address != {city: \"x\"}", "both sides of ==")]
    [InlineData("[1, \"x\"].contains(1)", "[1, \"x\"]", "the elements of a set")]
    [InlineData("[principal, resource].contains(principal)", "[principal, resource]", "the elements of a set")]
    [InlineData("principal.nicknames.contains(1)", "principal.nicknames.contains(1)", "the argument of contains")]
    [InlineData("principal.nicknames.containsAll([1])", "principal.nicknames.containsAll([1])", "both sets")]
    [InlineData("(if resource.public then 1 else \"x\") == 1", "if resource.public then 1 else \"x\"", "the branches of if")]
    [InlineData("(if resource.public then principal else resource) == principal", "if resource.public then principal else resource", "the branches of if")]
    public void Strict_mode_mixes_no_types(string condition, string refused, string what) => Expect(condition, refused, what);

    [Theory]
    [InlineData("principal.name == 1")]
    [InlineData("[principal, resource].contains(principal)")]
    [InlineData("principal.nicknames.contains(1)")]
    [InlineData("[].isEmpty()")]
    [InlineData("ip(principal.name).isIpv4()")]
    [InlineData("(if resource.public then principal else resource) == principal")]
    [InlineData("(if resource.public then {a: 1, b: 2} else {a: 3}).a == 1")]
    [InlineData("(if resource.public then principal else resource) has owner")]
    public void Permissive_mode_mixes_types_that_cannot_fail(string condition)
    {
        Assert.DoesNotContain(PhotoSchema.ConditionProblems(condition, ValidationMode.Permissive), IsError);
        Assert.Contains(PhotoSchema.ConditionProblems(condition), IsError);
    }

    [Theory]
    [InlineData("[1, \"x\"].contains(1)", "[1, \"x\"]", "the elements of a set")]
    [InlineData("(if resource.public then principal else resource).name == \"x\"", "if resource.public then principal else resource).name", "has no attribute")]
    [InlineData("(if resource.public then {a: 1} else {b: 1}).a == 1", "if resource.public then {a: 1} else {b: 1}).a", "has no attribute")]
    public void Permissive_mode_refuses_what_can_fail(string condition, string refused, string message) =>
        Assert.Equal($"{refused}: {message}", Shortened(Assert.Single(PhotoSchema.ConditionProblems(condition, ValidationMode.Permissive)), refused, message));

    [Theory]
    [InlineData("[].contains(1)", "[]", "the empty set has no type")]
    [InlineData("principal.nicknames == []", "[]", "the empty set has no type")]
    [InlineData("ip(principal.name).isIpv4()", "ip(principal.name)", "takes only a text in quotes")]
    [InlineData("decimal(if resource.public then \"1.0\" else \"2.0\") == principal.score", "decimal(if resource.public then \"1.0\" else \"2.0\")", "takes only a text in quotes")]
    [InlineData("ip(\"300.0.0.1\") == principal.home", "ip(\"300.0.0.1\")", "cannot read")]
    [InlineData("decimal(\"1\") == principal.score", "decimal(\"1\")", "cannot read")]
    [InlineData("datetime(\"2024-13-01\") == principal.since", "datetime(\"2024-13-01\")", "cannot read")]
    [InlineData("duration(\"1y\") == resource.shown", "duration(\"1y\")", "cannot read")]
    [InlineData("ip(\"::1\", \"::2\").isIpv4()", "ip(\"::1\", \"::2\")", "takes one argument, not 2")]
    [InlineData("principal.home.isIpv4(1)", "principal.home.isIpv4(1)", "takes no argument, not 1")]
    [InlineData("principal.home.isInRange()", "principal.home.isInRange()", "takes one argument, not 0")]
    public void Strict_mode_wants_types_and_extension_values_written_out(string condition, string refused, string message) => Expect(condition, refused, message);

    [Theory]
    [InlineData("false && 1")]
    [InlineData("principal is Bot && principal.owner == principal")]
    [InlineData("principal is Photo && principal.nothing")]
    [InlineData("action == Action::\"edit\" && context.nothing")]
    [InlineData("action in [Action::\"rest\"] && context.nothing")]
    [InlineData("principal in Album::\"x\" && 1 + true")]
    [InlineData("resource in Group::\"x\" && 1 + true")]
    [InlineData("principal == resource && 1 + true")]
    [InlineData("context has nothing && context.nothing.at.all")]
    [InlineData("\"a\" == \"b\" && 1")]
    [InlineData("resource.owner.address.hasTag == 1 && false", "resource.owner.address.hasTag")]
    public void What_can_never_run_is_not_checked(string condition, string? refused = null)
    {
        var problems = PhotoSchema.ConditionProblems(condition);
        if (refused is null) Assert.StartsWith("Warning", Assert.Single(problems), StringComparison.Ordinal);
        else Assert.Contains(problems, p => p.StartsWith($"Error {refused}:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("true || 1")]
    [InlineData("action == Action::\"view\" || context.nothing")]
    [InlineData("action in Action::\"anything\" || context.nothing")]
    [InlineData("context has from || context.nothing")]
    [InlineData("principal is User || principal.nothing")]
    [InlineData("if principal is User then true else principal.nothing")]
    public void What_always_holds_spares_the_rest_a_check(string condition) => Assert.Empty(PhotoSchema.ConditionProblems(condition));

    [Fact]
    public void An_entity_may_be_missing_so_a_required_attribute_is_not_certain() =>
        Assert.StartsWith("Error 1:", PhotoSchema.ConditionProblems("principal has name || 1")[0], StringComparison.Ordinal);

    private static bool IsError(string problem) => problem.StartsWith("Error", StringComparison.Ordinal);

    private static void Expect(string condition, string? refused, string message)
    {
        var problems = PhotoSchema.ConditionProblems(condition);
        if (refused is null)
        {
            Assert.Empty(problems);
            return;
        }

        Assert.Equal($"{refused}: {message}", Shortened(problems[0], refused, message));
    }

    // So that a failure shows what was said instead.
    private static string Shortened(string problem, string refused, string message) =>
        problem.StartsWith($"Error {refused}: ", StringComparison.Ordinal) && problem.Contains(message, StringComparison.Ordinal) ? $"{refused}: {message}" : problem;
}
