using System.Text.Json.Nodes;
using CsCheck;

namespace Moat.Cedar.Tests.Differential;

/// <summary>Entities and requests as JSON, with the names that <see cref="PolicyTexts"/> asks for.</summary>
internal static class Requests
{
    private static readonly (string Type, string Id)[] Uids =
        [.. new[] { "U", "G", "N::T" }.SelectMany(type => new[] { "a", "", "\u00e9\"\n" }.Select(id => (type, id)))];

    private static readonly Gen<(string Type, string Id)> Uid = Gen.OneOf(Uids);

    private static readonly Gen<string> Leaf = Gen.OneOf(
        Gen.OneOf("true", "false", "0", "7", "-2147483648", "\"\"", "\"a\"", "\"a*b\"", "\"tags\"", "\"\\uD83D\\uDE00\""),
        Uid.Select(u => Escape("__entity", Json(u))),
        Gen.OneOf(("ip", "10.0.0.1"), ("ip", "::/64"), ("decimal", "1.5"), ("datetime", "2024-02-29T00:00:00Z"), ("duration", "-1h")).Select(Extension));

    private static readonly Gen<string> Value = Gen.Frequency(
        (4, Leaf),
        (1, Leaf.Array[0, 3].Select(e => $"[{string.Join(',', e)}]")),
        (1, Gen.Select(Leaf, Leaf, (x, y) => $$$"""{"a": {{{x}}}, "b": {"b": {{{y}}}}}""")));

    // Attributes that policies take to be of one kind are of it most of the time.
    private static readonly Gen<string> Attributes = Fields(
        ("a", Gen.OneOf(Gen.Int[-9, 9].Select(i => $"{i}"), Value)),
        ("b", Gen.OneOf("\"a\"", "\"x\"")),
        ("c d", Value),
        ("e", Gen.Frequency((5, Uid.Select(u => Escape("__entity", Json(u)))), (1, Value))),
        ("r", Gen.Select(Leaf, x => $$$"""{"a": {"b": {{{x}}}}, "principal": 1}""")),
        ("set", Leaf.Array[0, 3].Select(e => $"[{string.Join(',', e)}]")));

    private static readonly Gen<string> Context = Fields(
        ("flag", Gen.OneOf("true", "false", "1")),
        ("n", Gen.Int[-9, 99].Select(i => $"{i}")),
        ("s", Gen.OneOf("\"a\"", "\"::1\"", "\"b\"")),
        ("e", Uid.Select(u => Escape("__entity", Json(u)))),
        ("ip", Gen.OneOf("10.1.2.3", "127.0.0.0/8", "::1").Select(t => Extension(("ip", t)))),
        ("dec", Gen.OneOf("1.5", "-0.0001").Select(t => Extension(("decimal", t)))),
        ("when", Gen.OneOf("2024-10-15", "1969-12-31T00:00:00.001Z").Select(t => Extension(("datetime", t)))),
        ("set", Leaf.Array[0, 3].Select(e => $"[{string.Join(',', e)}]")),
        ("nested", Fields(("flag", Gen.OneOf("true", "false", "\"\"")), ("a", Leaf))));

    private static readonly Gen<string> EntityBody = Gen.Select(Attributes, Gen.Frequency((1, Gen.Const("")), (1, Fields(("a", Leaf), ("tags", Leaf)).Select(t => $", \"tags\": {t}"))), (a, t) => $"\"attrs\": {a}{t}");

    /// <summary>An array of entities; one is in others that stand after it in a fixed order, so that there is no cycle.</summary>
    public static Gen<string> Entities { get; } = Gen.Select(EntityBody, Gen.Int[0, 2], Gen.Int[1, 8], Gen.Int[1, 8], (body, count, first, second) => (body, count, first, second)).Array[Uids.Length]
        .Select(Gen.Bool.Array[Uids.Length], (bodies, present) =>
        {
            var entities = Uids.Select((uid, i) => (uid, i)).Where(u => present[u.i]).Select(u =>
            {
                var (body, count, first, second) = bodies[u.i];
                var parents = new[] { u.i + first, u.i + first + second }.Take(count).Where(p => p < Uids.Length).Select(p => Json(Uids[p]));
                return $"{{\"uid\": {Json(u.uid)}, {body}, \"parents\": [{string.Join(',', parents)}]}}";
            });
            var actions = new[] { "x", "y" }.Select(id => $$"""{"uid": {"type": "Action", "id": "{{id}}"}, "attrs": {}, "parents": [{"type": "Action", "id": "group"}]}""");
            return $"[{string.Join(',', entities.Concat(actions))}]";
        });

    /// <summary>A request.</summary>
    public static Gen<string> Request { get; } = Gen.Select(Uid, Gen.OneOf("x", "y", "z"), Uid, Context, (principal, action, resource, context) =>
        $$"""{"principal": {{Json(principal)}}, "action": {"type": "Action", "id": "{{action}}"}, "resource": {{Json(resource)}}, "context": {{context}}}""");

    private static Gen<string> Fields(params (string Name, Gen<string> Value)[] fields) => fields.Aggregate(
        Gen.Const(""),
        (all, field) => Gen.Select(all, Gen.Frequency((4, field.Value.Select(v => $"\"{field.Name}\": {v}")), (1, Gen.Const(""))), (before, one) => before.Length == 0 || one.Length == 0 ? before + one : $"{before}, {one}"))
        .Select(inside => $"{{{inside}}}");

    private static string Json((string Type, string Id) uid) => new JsonObject { ["type"] = uid.Type, ["id"] = uid.Id }.ToJsonString();

    private static string Extension((string Function, string Text) call) => Escape("__extn", $$"""{"fn": "{{call.Function}}", "arg": "{{call.Text}}"}""");

    private static string Escape(string name, string inside) => $$"""{"{{name}}": {{inside}}}""";
}
