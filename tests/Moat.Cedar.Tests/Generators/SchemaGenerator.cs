using System.Text;

namespace Moat.Cedar.Tests.Generators;

/// <summary>Makes schemas of the Cedar form that are in order, unless they are to have a mistake.</summary>
internal sealed class SchemaGenerator
{
    private static readonly string[] FieldNames = ["a", "b", "c", "name", "owner", "x y", "if", "\"", "é"];
    private static readonly string[] Ids = ["view", "edit", "a b", "", "all"];
    private static readonly string[] Pieces =
    [
        "entity", "action", "type", "namespace X {", "in", "appliesTo", "principal", "context:", "tags", "enum", "Set<", "<", ">", "{", "}", "[", "]", "(", ")", ",", ";", ":", "::", "=", "?", "@",
        "@a", "@a(\"b\")", "X", "\"x\"", "\"\\q\"", "__cedar", "__cedar::", "if", "//", "\n", "\"", "Long", "attributes {}", "1", ".", "Y: Long,", "\"\\u{41}\"", "\u00e9", "\r", "\t", "in []",
    ];

    private readonly Dice dice;
    private readonly List<(string Space, string Name)> entityNames = [];
    private readonly List<(string Space, string Name, ShapeType Type)> common = [];
    private readonly StringBuilder text = new();

    private SchemaGenerator(Dice dice) => this.dice = dice;

    /// <summary>A schema of the seed.</summary>
    /// <param name="seed">Which one.</param>
    /// <param name="mistakes">Whether some are to be refused.</param>
    public static SchemaShape Generate(int seed, bool mistakes = false)
    {
        var generator = new SchemaGenerator(new Dice(seed));
        var shape = generator.Generate();
        return mistakes ? shape with { Text = generator.Spoil(shape.Text) } : shape;
    }

    private SchemaShape Generate()
    {
        string[] spaces = dice.Chance(50) ? [""] : dice.Chance(50) ? ["App"] : ["", "App", "App::Inner"];
        var letter = 'A';
        foreach (var space in spaces)
        {
            for (var i = dice.Upto(3); i >= 0; i--) entityNames.Add((space, $"T{letter++}"));
        }

        var entities = new List<ShapeEntity>();
        var actions = new List<ShapeAction>();
        foreach (var space in spaces)
        {
            if (space.Length > 0) text.Append(Annotation()).Append("namespace ").Append(space).Append(" {\n");
            for (var i = dice.Upto(2); i > 0; i--) CommonType(space, $"C{letter++}");
            foreach (var (_, name) in entityNames.Where(n => n.Space == space).ToList()) entities.Add(Entity(space, name));

            // An action in a namespace may not be called as one outside any.
            foreach (var id in dice.Some(Ids, 50)) actions.Add(Action(space, spaces.Length > 1 && space.Length > 0 ? id + "2" : id, actions));
            if (space.Length > 0) text.Append("}\n");
        }

        return new SchemaShape(text.ToString(), entities, actions);
    }

    private string Annotation() => dice.Chance(85) ? "" : dice.Chance(50) ? "@note " : "@doc(\"x\\n\") ";

    private void CommonType(string space, string name)
    {
        var type = Type(2, space, out var written);
        text.Append(Annotation()).Append("type ").Append(name).Append(" = ").Append(written).Append(";\n");
        common.Add((space, name, type));
    }

    private ShapeEntity Entity(string space, string name)
    {
        text.Append(Annotation()).Append("entity ").Append(name);
        var full = Full(space, name);
        if (dice.Chance(12))
        {
            string[] choices = ["red", "a b"];
            text.Append(" enum [").AppendJoin(", ", choices.Select(Dice.Quote)).Append("];\n");
            return new ShapeEntity(full, [], [], null, choices);
        }

        var parents = dice.Some(entityNames, 30);
        if (parents.Count > 0) text.Append(" in [").AppendJoin(", ", parents.Select(p => Written(space, p.Space, p.Name))).Append(']');
        var fields = Fields(3, space, out var written);
        if (fields.Count > 0 || dice.Chance(20)) text.Append(dice.Chance(50) ? " = " : " ").Append(written);
        ShapeType? tags = null;
        if (dice.Chance(40))
        {
            tags = Type(1, space, out var tagged);
            text.Append(" tags ").Append(tagged);
        }

        text.Append(";\n");
        return new ShapeEntity(full, [.. parents.Select(p => Full(p.Space, p.Name))], fields, tags, []);
    }

    private ShapeAction Action(string space, string id, List<ShapeAction> earlier)
    {
        text.Append(Annotation()).Append("action ").Append(id is "view" or "edit" && dice.Chance(50) ? id : Dice.Quote(id));
        var groups = dice.Some(earlier, 30);
        if (groups.Count > 0) text.Append(" in [").AppendJoin(", ", groups.Select(g => g.Uid)).Append(']');
        var uid = $"{Full(space, "Action")}::{Dice.Quote(id)}";
        if (dice.Chance(20))
        {
            text.Append(";\n");
            return new ShapeAction(uid, [.. groups.Select(g => g.Uid)], [], [], []);
        }

        var principals = AtLeastOne();
        var resources = AtLeastOne();
        text.Append(" appliesTo { principal: [").AppendJoin(", ", principals.Select(p => Written(space, p.Space, p.Name)))
            .Append("], resource: [").AppendJoin(", ", resources.Select(p => Written(space, p.Space, p.Name))).Append(']');
        IReadOnlyList<ShapeField> context = [];
        if (dice.Chance(70))
        {
            context = Fields(2, space, out var written);
            text.Append(", context: ").Append(written);
        }

        text.Append(" };\n");
        return new ShapeAction(uid, [.. groups.Select(g => g.Uid)], [.. principals.Select(p => Full(p.Space, p.Name))], [.. resources.Select(p => Full(p.Space, p.Name))], context);
    }

    private List<(string Space, string Name)> AtLeastOne() => dice.Some(entityNames, 40) is { Count: > 0 } some ? some : [dice.Pick(entityNames)];

    private List<ShapeField> Fields(int depth, string space, out string written)
    {
        var fields = new List<ShapeField>();
        var parts = new List<string>();
        foreach (var name in dice.Some(FieldNames, 35))
        {
            var type = Type(depth - 1, space, out var typed);
            var required = dice.Chance(60);
            fields.Add(new ShapeField(name, type, required));
            var plain = CedarName.IsIdentifier(name) && !CedarName.IsReserved(name) && dice.Chance(80);
            parts.Add($"{Annotation()}{(plain ? name : Dice.Quote(name))}{(required ? "" : "?")}: {typed}");
        }

        written = $"{{ {string.Join(", ", parts)} }}";
        return fields;
    }

    private ShapeType Type(int depth, string space, out string written)
    {
        if (dice.Chance(12) && common.Count > 0)
        {
            var (other, name, type) = dice.Pick(common);
            written = Written(space, other, name);
            return type;
        }

        switch (dice.Upto(depth > 0 ? 9 : 7))
        {
            case 0: return BuiltIn(CedarKind.Bool, "Bool", out written);
            case 1: return BuiltIn(CedarKind.Long, "Long", out written);
            case 2: return BuiltIn(CedarKind.String, "String", out written);
            case 3: return BuiltIn(CedarKind.Decimal, "decimal", out written);
            case 4: return BuiltIn(CedarKind.Ip, "ipaddr", out written);
            case 5: return dice.Chance(50) ? BuiltIn(CedarKind.DateTime, "datetime", out written) : BuiltIn(CedarKind.Duration, "duration", out written);
            case 6 or 7:
                var entity = dice.Pick(entityNames);
                written = Written(space, entity.Space, entity.Name);
                return new ShapeType(CedarKind.Entity, Full(entity.Space, entity.Name));
            case 8:
                var element = Type(depth - 1, space, out var inner);
                written = $"Set<{inner}>";
                return new ShapeType(CedarKind.Set, Element: element);
            default:
                var fields = Fields(depth, space, out written);
                return new ShapeType(CedarKind.Record, Fields: [.. fields.OrderBy(f => f.Name, StringComparer.Ordinal)]);
        }
    }

    private ShapeType BuiltIn(CedarKind kind, string name, out string written)
    {
        written = dice.Chance(10) ? $"__cedar::{name}" : name;
        return new ShapeType(kind);
    }

    private string Written(string from, string space, string name) => from == space && dice.Chance(60) ? name : Full(space, name);

    private static string Full(string space, string name) => space.Length == 0 ? name : $"{space}::{name}";

    // One change that most often makes the schema wrong in one of the ways that there are.
    private string Spoil(string schema)
    {
        var declared = $"T{(char)('A' + dice.Upto(3))}";
        var at = dice.Upto(schema.Length);
        return dice.Upto(20) switch
        {
            0 => schema + "entity Again; entity Again;",
            1 => schema + $"entity {declared};",
            2 => schema + $"type {declared} = Long;",
            3 => schema + "type Loop = { l: Pool }; type Pool = Set<Loop>;",
            4 => schema + "action x in y; action y in x;",
            5 => schema + "entity Action;",
            6 => schema + "type Bool = Long;",
            7 => schema + "action z appliesTo { principal: Action, resource: Missing };",
            8 => schema + $"action z appliesTo {{ principal: {declared}, resource: {declared}, context: {declared} }};",
            9 => schema + $"entity Other {{ a: {declared}, b: Action }};",
            10 => schema + "action view, view;",
            11 => schema.Replace("Long", "Lonng", StringComparison.Ordinal),
            12 or 13 or 14 => schema.Remove(at, Math.Min(dice.Upto(8) + 1, schema.Length - at)),
            15 or 16 or 17 or 18 => schema.Insert(at, $" {dice.Pick(Pieces)} "),
            19 => schema.Insert(at, dice.Pick(Pieces)),
            _ => schema + "entity Bool; entity long { a: Bool, b: __cedar::Bool };",
        };
    }
}
