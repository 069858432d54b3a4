namespace Moat.Cedar.Tests.Validation;

public sealed class DataValidatorTests
{
    private const string Context = """{"from": "10.0.0.1", "color": {"type": "Color", "id": "red"}}""";
    private static readonly DataValidator Validator = new(PhotoSchema.Schema);

    [Theory]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", Context, null)]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", """{"from": "10.0.0.1", "color": {"type": "Color", "id": "red"}, "count": 3}""", null)]
    [InlineData("User::\"a\"", "Action::\"show\"", "Photo::\"b\"", Context, "the action Action::\"show\" is not declared")]
    [InlineData("Photo::\"a\"", "Action::\"view\"", "Photo::\"b\"", Context, "does not apply to a principal of the type Photo")]
    [InlineData("User::\"a\"", "Action::\"view\"", "Album::\"b\"", Context, "does not apply to a resource of the type Album")]
    [InlineData("User::\"a\"", "Action::\"anything\"", "Photo::\"b\"", "{}", "does not apply to a principal of the type User")]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", """{"from": "10.0.0.1"}""", "\"color\" is missing in the context")]
    [InlineData("User::\"a\"", "Action::\"edit\"", "Photo::\"b\"", """{"from": 1}""", "\"from\" does not belong in the context")]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", """{"from": 1, "color": {"type": "Color", "id": "red"}}""", "\"from\" in the context is of the kind Long, but ipaddr belongs there")]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", """{"from": "::1", "color": {"type": "Color", "id": "blue"}}""", "its type is enumerated and has no such entity")]
    [InlineData("User::\"a\"", "Action::\"view\"", "Photo::\"b\"", """{"from": "::1", "color": {"type": "User", "id": "blue"}}""", "is User::\"blue\", but Color belongs there")]
    public void A_request_has_to_fit_its_action(string principal, string action, string resource, string context, string? message)
    {
        var json = $$"""{"principal": {{Quoted(principal)}}, "action": {{Quoted(action)}}, "resource": {{Quoted(resource)}}, "context": {{context}}}""";
        Expect(Validator.Validate(RequestJson.Read(json, PhotoSchema.Schema)), message);
    }

    [Theory]
    [InlineData("""{"uid": {"type": "Group", "id": "a"}, "attrs": {}, "parents": [{"type": "Group", "id": "b"}]}""", null)]
    [InlineData("""{"uid": {"type": "Album", "id": "a"}, "attrs": {"owner": {"type": "User", "id": "b"}}, "parents": []}""", null)]
    [InlineData("""{"uid": {"type": "Folder", "id": "a"}, "attrs": {}, "parents": []}""", "is of a type that is not declared")]
    [InlineData("""{"uid": {"type": "Color", "id": "blue"}, "attrs": {}, "parents": []}""", "its type is enumerated and has no such entity")]
    [InlineData("""{"uid": {"type": "Album", "id": "a"}, "attrs": {}, "parents": []}""", "\"owner\" is missing in the attributes of Album::\"a\"")]
    [InlineData("""{"uid": {"type": "Group", "id": "a"}, "attrs": {"x": 1}, "parents": []}""", "\"x\" does not belong in the attributes of Group::\"a\"")]
    [InlineData("""{"uid": {"type": "Album", "id": "a"}, "attrs": {"owner": {"type": "Group", "id": "b"}}, "parents": []}""", "is Group::\"b\", but User belongs there")]
    [InlineData("""{"uid": {"type": "Group", "id": "a"}, "attrs": {}, "parents": [{"type": "User", "id": "b"}]}""", "Group::\"a\" cannot be in User::\"b\"")]
    [InlineData("""{"uid": {"type": "Group", "id": "a"}, "attrs": {}, "parents": [], "tags": {"x": "y"}}""", "has tags, but its type has none")]
    [InlineData("""{"uid": {"type": "Photo", "id": "a"}, "attrs": {"owner": {"type": "User", "id": "b"}, "public": true, "width": 1, "shown": "1s"}, "parents": [], "tags": {"x": ["y"]}}""", null)]
    [InlineData("""{"uid": {"type": "Photo", "id": "a"}, "attrs": {"owner": {"type": "User", "id": "b"}, "public": true, "width": 1, "shown": "1s"}, "parents": [], "tags": {"x": ["y", 1]}}""", "an element of the tag \"x\" of Photo::\"a\" is of the kind Long, but String belongs there")]
    [InlineData("""{"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": [{"type": "Action", "id": "anything"}]}""", null)]
    [InlineData("""{"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": []}""", "differs from what the schema says of it")]
    [InlineData("""{"uid": {"type": "Action", "id": "view"}, "attrs": {"x": 1}, "parents": [{"type": "Action", "id": "anything"}]}""", "differs from what the schema says of it")]
    [InlineData("""{"uid": {"type": "Action", "id": "show"}, "attrs": {}, "parents": []}""", "the action Action::\"show\" is not declared")]
    public void An_entity_has_to_fit_its_type(string entity, string? message) =>
        Expect(Validator.Validate(EntityJson.Read($"[{entity}]", PhotoSchema.Schema)), message);

    [Fact]
    public void Every_error_of_a_request_is_found_at_once()
    {
        var request = new Request(new EntityUid(new EntityType("Photo"), "a"), new EntityUid(new EntityType("Action"), "view"), new EntityUid(new EntityType("User"), "a"));
        Assert.Equal(4, Validator.Validate(request).Count);
    }

    private static string Quoted(string text) => $"\"{System.Text.Json.JsonEncodedText.Encode(text)}\"";

    private static void Expect(IReadOnlyList<Diagnostic> problems, string? message)
    {
        if (message is null) Assert.Empty(problems);
        else Assert.Contains(problems, p => p.Message.Contains(message, StringComparison.Ordinal));
    }
}
