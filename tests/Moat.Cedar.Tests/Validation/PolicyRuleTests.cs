namespace Moat.Cedar.Tests.Validation;

/// <summary>What is asked of a policy as a whole: its names, its scope, its slots.</summary>
public sealed class PolicyRuleTests
{
    [Theory]
    [InlineData("permit(principal == Usr::\"a\", action, resource);", "principal == Usr::\"a\"", "the entity type Usr is not declared")]
    [InlineData("permit(principal is Usr, action, resource);", "principal is Usr", "the entity type Usr is not declared")]
    [InlineData("permit(principal, action, resource in Folder::\"a\");", "resource in Folder::\"a\"", "the entity type Folder is not declared")]
    [InlineData("permit(principal, action, resource is Photo in Folder::\"a\");", "resource is Photo in Folder::\"a\"", "the entity type Folder is not declared")]
    [InlineData("permit(principal, action, resource) when { principal in Grp::\"a\" };", "Grp::\"a\"", "the entity type Grp is not declared")]
    [InlineData("permit(principal, action, resource) when { false && principal is Usr };", "principal is Usr", "the entity type Usr is not declared")]
    [InlineData("permit(principal, action == Action::\"veiw\", resource);", "action == Action::\"veiw\"", "the action Action::\"veiw\" is not declared")]
    [InlineData("permit(principal, action in [Action::\"view\", App::Action::\"edit\"], resource);", "action in [Action::\"view\", App::Action::\"edit\"]", "the action App::Action::\"edit\" is not declared")]
    [InlineData("permit(principal, action, resource) when { false && context.color == Color::\"blue\" };", "Color::\"blue\"", "the type is enumerated")]
    public void A_name_that_the_schema_lacks_is_refused(string policy, string refused, string message)
    {
        var problems = PhotoSchema.Problems(policy);
        Assert.Contains(problems, p => p.StartsWith($"Error {refused}: ", StringComparison.Ordinal) && p.Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("permit(principal == Usr::\"a\", action, resource);", "did you mean User?")]
    [InlineData("permit(principal, action == Action::\"veiw\", resource);", "did you mean Action::\"view\"?")]
    [InlineData("permit(principal, action == App::Action::\"edit\", resource);", "did you mean Action::\"edit\"?")]
    [InlineData("permit(principal == Group::\"a\", action, resource);", "write principal in Group::\"a\"")]
    [InlineData("permit(principal, action == Action::\"view\", resource == Album::\"a\");", "write resource in Album::\"a\"")]
    [InlineData("permit(principal, action, resource) when { principal.nmae == \"x\" };", "did you mean `name`?")]
    public void The_help_says_what_may_have_been_meant(string policy, string help) =>
        Assert.Contains(new PolicyValidator(PhotoSchema.Schema).Validate(PolicySet.Parse(policy)), d => d.Help == help);

    [Theory]
    [InlineData("permit(principal is Bot, action == Action::\"edit\", resource);")]
    [InlineData("permit(principal, action == Action::\"view\", resource is Album);")]
    [InlineData("permit(principal, action == Action::\"rest\", resource);")]
    [InlineData("permit(principal, action, resource is User);")]
    [InlineData("permit(principal in User::\"a\", action, resource in Photo::\"x\");", false)]
    [InlineData("permit(principal in Group::\"a\", action in Action::\"anything\", resource in Album::\"x\");", false)]
    [InlineData("permit(principal is User in Group::\"a\", action in [Action::\"rest\", Action::\"edit\"], resource);", false)]
    [InlineData("permit(principal is Photo in Group::\"a\", action, resource);")]
    public void A_scope_has_to_leave_a_kind_of_request(string policy, bool refused = true)
    {
        var never = PhotoSchema.Problems(policy).Any(p => p.StartsWith($"Error {policy}: no action applies", StringComparison.Ordinal));
        Assert.Equal(refused, never);
    }

    [Fact]
    public void A_policy_is_checked_for_every_kind_of_request_that_it_allows()
    {
        Assert.Contains("Error principal.owner: User has no attribute `owner`", PhotoSchema.Problems("permit(principal, action, resource) when { principal.owner == principal };"));
        Assert.Contains("Error resource.public: Album has no attribute `public`", PhotoSchema.Problems("permit(principal, action, resource) when { resource.public };"));
        Assert.Empty(PhotoSchema.Problems("permit(principal, action == Action::\"view\", resource) when { resource.public };"));
        Assert.Empty(PhotoSchema.Problems("permit(principal, action, resource) when { resource is Photo && resource.public };"));
        Assert.Empty(PhotoSchema.Problems("permit(principal, action, resource) when { resource.owner == principal };"));
    }

    [Fact]
    public void Each_problem_is_said_once_however_many_kinds_of_requests_have_it()
    {
        var problems = PhotoSchema.Problems("permit(principal, action, resource) when { 1 + true == 2 };");
        Assert.Single(problems);
    }

    [Fact]
    public void A_condition_that_never_holds_is_warned_of()
    {
        var policy = "permit(principal is User, action, resource) unless { principal is User };";
        Assert.Equal([$"Warning {policy}: the policy never applies: its condition is false for every request that fits the schema"], PhotoSchema.Problems(policy));
    }

    [Theory]
    [InlineData("permit(principal == ?principal, action, resource in ?resource);")]
    [InlineData("permit(principal is User in ?principal, action == Action::\"view\", resource) when { principal.name == \"x\" };")]
    [InlineData("permit(principal in ?principal, action == Action::\"edit\", resource == ?resource) when { principal has age };")]
    public void A_template_is_checked_for_whatever_may_fill_its_slots(string template) => Assert.Empty(PhotoSchema.Problems(template));

    [Fact]
    public void A_template_has_errors_of_its_own() =>
        Assert.Contains("Error principal.owner: User has no attribute `owner`", PhotoSchema.Problems("permit(principal in ?principal, action, resource) when { principal.owner == principal };"));

    [Theory]
    [InlineData("User", "Photo", null)]
    [InlineData("Usr", "Photo", "the entity type Usr is not declared")]
    [InlineData("User", "User", "no action applies")]
    [InlineData("Bot", "Album", "no action applies")]
    public void A_link_is_checked_for_what_fills_its_slots(string principal, string resource, string? message)
    {
        var set = PolicySet.Parse("permit(principal == ?principal, action, resource == ?resource);")
            .Link(new TemplateLink("linked", "policy0", new EntityUid(new EntityType(principal), "a"), new EntityUid(new EntityType(resource), "b")));
        var problems = new PolicyValidator(PhotoSchema.Schema).Validate(set);
        Assert.All(problems, d => Assert.Equal("linked", d.PolicyId));
        if (message is null) Assert.Empty(problems);
        else Assert.Contains(problems, d => d.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_diagnostic_names_its_policy_and_its_place()
    {
        var set = PolicySet.Parse(new SourceText("permit(principal, action, resource);\nforbid(principal, action, resource)\nwhen { principal.x };", "a.cedar"));
        var error = new PolicyValidator(PhotoSchema.Schema).Validate(set)[0];
        Assert.Equal("policy1", error.PolicyId);
        Assert.Equal("a.cedar:3:8: error: User has no attribute `x`", error.ToString());
    }

    [Fact]
    public void A_character_that_turns_the_direction_of_writing_is_warned_of_where_it_stands()
    {
        var text = "permit(principal is User, action, resource) when { principal.name == \"a\u202Eb\" /*\u2066*/ };".Replace("/*", "// ", StringComparison.Ordinal).Replace("*/", "\n", StringComparison.Ordinal);
        var warnings = new PolicyValidator(PhotoSchema.Schema).Validate(PolicySet.Parse(text));
        Assert.Equal(["\u202E", "\u2066"], warnings.Select(w => text[w.Span.Start..w.Span.End]));
        Assert.All(warnings, w => Assert.Equal(DiagnosticSeverity.Warning, w.Severity));
        Assert.Empty(PhotoSchema.Problems("permit(principal is User, action, resource) when { principal.name == \"a\\u{202E}b\" };"));
    }

    [Fact]
    public void A_schema_without_actions_leaves_no_policy()
    {
        var schema = CedarSchema.Parse("entity User;");
        Assert.Contains(PhotoSchema.Problems("permit(principal, action, resource);", schema: schema), p => p.Contains("no action applies", StringComparison.Ordinal));
    }
}
