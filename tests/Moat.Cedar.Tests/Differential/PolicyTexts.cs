using CsCheck;

namespace Moat.Cedar.Tests.Differential;

/// <summary>Policies as text: mostly of right types, some not, and a few that do not parse.</summary>
internal sealed class PolicyTexts
{
    private const int Depth = 3;
    private static readonly string[] Names = ["a", "b", "tags", "if_", "principal"];
    private readonly Dictionary<(string Kind, int Depth), Gen<string>> made = [];

    /// <summary>The text of an entity.</summary>
    public static Gen<string> Uid { get; } = Gen.Select(Gen.OneOf("U", "G", "N::T"), Gen.OneOf("a", "", "\\u{e9}\\\"\\n"), (type, id) => $"{type}::\"{id}\"");

    /// <summary>The text of an action.</summary>
    public static Gen<string> Action { get; } = Gen.OneOf("x", "y", "group").Select(id => $"Action::\"{id}\"");

    private Gen<string> MakePolicy()
    {
        var effect = Gen.OneOf("permit", "forbid");
        var action = Gen.OneOf(
            Gen.Const("action"),
            Action.Select(a => $"action == {a}"),
            Action.Select(a => $"action in {a}"),
            Action.Array[0, 3].Select(a => $"action in [{string.Join(", ", a)}]"));
        var clause = Gen.Select(Gen.OneOf("when", "unless"), Gen.Frequency((12, Bool(Depth)), (1, Any(Depth))), (word, body) => $" {word} {{ {body} }}");
        var annotation = Gen.OneOf("", "", "", "@id(\"n\") ", "@a @if(\"\\u{1F600}\") ", "@b(\"x\\0\")\n");
        return Gen.Select(annotation, effect, Gen.Select(Scope("principal"), action, Scope("resource")), clause.Array[0, 2], (notes, word, scope, clauses) =>
            $"{notes}{word}({scope.Item1}, {scope.Item2}, {scope.Item3}){string.Concat(clauses)};");
    }

    private static Gen<string> Scope(string name) => Gen.Frequency(
        (5, Gen.Const(name)),
        (1, Uid.Select(u => $"{name} == {u}")),
        (1, Uid.Select(u => $"{name} in ({u})")),
        (1, Gen.OneOf("U", "N::T").Select(t => $"{name} is {t}")),
        (1, Gen.Select(Gen.OneOf("U", "G"), Uid, (t, u) => $"{name} is {t} in {u}")));

    private Gen<string> Get(string kind, int depth, Func<Gen<string>> make)
    {
        if (!made.TryGetValue((kind, depth), out var gen)) made.Add((kind, depth), gen = make());
        return gen;
    }

    private Gen<string> Bool(int depth) => Get("bool", depth, () => depth == 0
        ? Gen.OneOf(Gen.OneOf("true", "false", "context.flag", "context.nested.flag", "resource.a"), Uid.Select(u => $"principal == {u}"), Gen.OneOf("principal has a", "context has nested.flag", "resource is U"))
        : Gen.Frequency(
            (2, Bool(0)),
            (3, Pair(Bool(depth - 1), Bool(depth - 1), "&&", "||")),
            (1, Gen.Select(Gen.OneOf("!", "!!", "!!!!"), Bool(depth - 1), (sign, operand) => $"{sign}({operand})")),
            (1, If(depth, Bool(depth - 1))),
            (2, Pair(Long(depth - 1), Long(depth - 1), "<", "<=", ">", ">=", "==", "!=")),
            (1, Pair(Instant(depth - 1), Instant(depth - 1), "<", "<=", ">", ">=", "==")),
            (1, Pair(Any(depth - 1), Any(depth - 1), "==", "!=", "<", "in")),
            (2, Pair(Entity(depth - 1), Entity(depth - 1), "in", "==")),
            (1, Gen.Select(Entity(depth - 1), Set(depth - 1, Uid), (left, right) => $"({left}) in {right}")),
            (1, Gen.Select(Entity(depth - 1), Gen.OneOf("U", "N::T", "principal"), (left, type) => $"({left}) is {type}")),
            (1, Gen.Select(Entity(depth - 1), Gen.OneOf("U", "G"), Entity(depth - 1), (left, type, right) => $"({left}) is {type} in ({right})")),
            (2, Gen.Select(Gen.OneOf(Entity(depth - 1), Record(depth - 1), Any(depth - 1)), HasPath, (left, path) => $"({left}) has {path}")),
            (1, Gen.Select(Text(depth - 1), Pattern, (left, pattern) => $"({left}) like {pattern}")),
            (1, Gen.Select(Entity(depth - 1), Text(depth - 1), (left, tag) => $"({left}).hasTag({tag})")),
            (2, Gen.Select(AnySet(depth - 1), Gen.OneOf("containsAll", "containsAny"), AnySet(depth - 1), (left, method, right) => $"{left}.{method}({right})")),
            (1, Gen.Select(AnySet(depth - 1), Any(depth - 1), (left, element) => $"{left}.contains({element})")),
            (1, AnySet(depth - 1).Select(set => $"{set}.isEmpty()")),
            (1, Gen.Select(Ip(depth - 1), Gen.OneOf("isIpv4", "isIpv6", "isLoopback", "isMulticast"), (ip, method) => $"{ip}.{method}()")),
            (1, Gen.Select(Ip(depth - 1), Ip(depth - 1), (left, right) => $"{left}.isInRange({right})")),
            (1, Gen.Select(Decimal, Gen.OneOf("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"), Decimal, (left, method, right) => $"{left}.{method}({right})")),
            (1, Odd)));

    private Gen<string> Long(int depth) => Get("long", depth, () => depth == 0
        ? Gen.OneOf(Gen.OneOf("0", "1", "-1", "007", "9223372036854775807", "-9223372036854775808", "4611686018427387904"), Gen.Int[-9, 99].Select(i => $"{i}"), Gen.OneOf("context.n", "principal.a", "resource[\"c d\"]"))
        : Gen.Frequency(
            (2, Long(0)),
            (3, Pair(Long(depth - 1), Long(depth - 1), "+", "-", "*")),
            (1, Gen.Select(Gen.OneOf("-", "--"), Long(depth - 1), (sign, operand) => $"{sign}({operand})")),
            (1, If(depth, Long(depth - 1))),
            (1, Gen.Select(Length, Gen.OneOf("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"), (length, method) => $"{length}.{method}()"))));

    private Gen<string> Text(int depth) => Get("text", depth, () => depth == 0
        ? Gen.OneOf("\"\"", "\"a\"", "\"a*b\"", "\"\\u{1F600}\\t\\x41\"", "\"\\'\\\"\\\\\\0\"", "context.s", "principal.b", "\"tags\"")
        : Gen.Frequency((4, Text(0)), (1, If(depth, Text(depth - 1))), (1, Entity(depth - 1).Select(e => $"({e}).getTag(\"a\")"))));

    private Gen<string> Entity(int depth) => Get("entity", depth, () => depth == 0
        ? Gen.OneOf(Gen.OneOf("principal", "resource", "action", "context.e", "principal.e"), Uid, Action)
        : Gen.Frequency((4, Entity(0)), (1, If(depth, Entity(depth - 1))), (1, Entity(depth - 1).Select(e => $"({e})[\"e\"]"))));

    private Gen<string> Record(int depth) => Get("record", depth, () => depth == 0
        ? Gen.OneOf("context", "context.nested", "principal.r", "{}")
        : Gen.Frequency(
            (2, Record(0)),
            (2, Gen.Select(Gen.OneOf("a", "\"b\"", "\"c d\"", "principal"), Any(depth - 1), Gen.OneOf("tags", "\"\\u{e9}\"", "b", "a"), Any(depth - 1), (n, x, m, y) => $"{{{n}: {x}, {m}: {y}}}"))));

    private Gen<string> Any(int depth) => Get("any", depth, () => Gen.OneOf(
        Bool(depth), Long(depth), Text(depth), Entity(depth), Record(depth), AnySet(depth), Ip(depth), Decimal, Instant(depth), Length,
        Gen.Select(depth == 0 ? Record(0) : Gen.OneOf(Record(depth - 1), Entity(depth - 1)), Gen.OneOf(Names), (target, name) => $"({target}).{name}")));

    private Gen<string> AnySet(int depth) => Get("set", depth, () => depth == 0
        ? Gen.OneOf(Gen.OneOf("[]", "context.set", "principal.set"), Set(0, Long(0)))
        : Gen.OneOf(Set(depth, Any(depth - 1)), Set(depth, Long(depth - 1)), AnySet(0)));

    private Gen<string> Set(int depth, Gen<string> element) => Get($"set of {element.GetHashCode()}", depth, () => element.Array[0, 3].Select(e => $"[{string.Join(", ", e)}]"));

    private Gen<string> Ip(int depth) => Get("ip", depth, () => Gen.OneOf(
        Gen.OneOf("127.0.0.1", "10.0.0.0/8", "10.1.2.3", "::1", "ff00::/8", "::/0", "0.0.0.0/0", "1:2:3:4:5:6:7::", "1.2.3.4/33", "::ffff:1.2.3.4", "01.2.3.4", "abc", "ABCD::", "1::2:3:4:5:6:7:8").Select(t => $"ip(\"{t}\")"),
        Gen.Const("context.ip"), depth == 0 ? Gen.Const("ip(context.s)") : Text(depth - 1).Select(t => $"ip({t})")));

    private static Gen<string> Decimal { get; } = Gen.OneOf(
        Gen.OneOf("0.0", "1.5", "-1.5000", "922337203685477.5807", "-922337203685477.5808", "922337203685477.5808", "1.00001", "1", "01.10", "-0.0").Select(t => $"decimal(\"{t}\")"), Gen.Const("context.dec"));

    private Gen<string> Instant(int depth) => Get("instant", depth, () => Gen.OneOf(
        Gen.OneOf("1970-01-01", "2024-02-29", "2023-02-29", "0000-02-29", "9999-12-31T23:59:59.999-2359", "1969-12-31T23:59:59.001Z", "2024-10-15T11:38:02+1134", "2024-10-15T24:00:00Z", "2024-10-15T00:00:00", "2024-1-1")
            .Select(t => $"datetime(\"{t}\")"),
        Gen.Const("context.when"), Length,
        depth == 0 ? Gen.Const("datetime(\"1970-01-01\").toTime()") : Gen.OneOf(
            Gen.Select(Instant(depth - 1), Length, (d, l) => $"{d}.offset({l})"),
            Gen.Select(Instant(depth - 1), Instant(depth - 1), (d, e) => $"{d}.durationSince({e})"),
            Gen.Select(Instant(depth - 1), Gen.OneOf("toDate", "toTime"), (d, method) => $"{d}.{method}()"))));

    private static Gen<string> Length { get; } = Gen.OneOf("0ms", "1d2h3m4s5ms", "-1d", "90m", "-9223372036854775808ms", "9223372036854775807ms", "9223372036854775808ms", "1h1d", "", "-", "5", "25h61m")
        .Select(t => $"duration(\"{t}\")");

    private static Gen<string> HasPath { get; } = Gen.OneOf("a", "\"c d\"", "nested.flag", "e.a", "r.a.b", "if_", "principal", "\"\"");

    private static Gen<string> Pattern { get; } = Gen.OneOf("\"*\"", "\"\"", "\"a*\"", "\"*b\"", "\"a\\*b\"", "\"**\"", "\"*\\u{1F600}*\"", "\"a*\\*\\x62\"");

    // What does not parse, or parses against the first glance.
    private static Gen<string> Odd { get; } = Gen.OneOf(
        "1 < 2 < 3", "9223372036854775808 == 1", "!!!!!true", "principal.if", "foo", "ip()", "ip(\"::\", \"::\").isIpv4()", "principal[1]", "\"\\q\" == \"\"", "{a: 1, a: 2} == {}", "a::b", "1 / 2 == 1",
        "principal.contains()", "?principal == principal", "true.a", "\"x\".length()", "(principal)", "// c\n true", "principal has a::b", "-9223372036854775809 == 1", "--9223372036854775808 == 1", "isIpv4()",
        "principal == U::{a: 1}", "if true then true", "[true,].contains(true)", "{\"a\": true,}.a", "principal has \"a\".b", "context.flag = true", "__cedar::U::\"a\" == principal", "1 in [] in []", "\"a\" like context.s");

    private Gen<string> If(int depth, Gen<string> branch) => Gen.Select(Bool(depth - 1), branch, branch, (test, then, otherwise) => $"(if {test} then {then} else {otherwise})");

    private static Gen<string> Pair(Gen<string> left, Gen<string> right, params string[] operators) => Gen.Select(left, Gen.OneOf(operators), right, (a, symbol, b) => $"({a}) {symbol} ({b})");

    /// <summary>The text of one policy without slots. It stands last, since it is made of the others.</summary>
    public static Gen<string> Policy { get; } = new PolicyTexts().MakePolicy();
}
