namespace Moat.Cedar.Tests.Generators;

/// <summary>Makes expressions of a wanted type for one kind of request; now and then of another type, or with an attribute that may be missing.</summary>
internal sealed class ExpressionGenerator
{
    private static readonly string[] Texts = ["", "a", "x*y", "é\u0000", "10.0.0.1", "日本"];
    private readonly SchemaShape schema;
    private readonly Dice dice;
    private readonly ShapeAction action;
    private readonly List<Path> paths = [];

    public ExpressionGenerator(SchemaShape schema, Dice dice, ShapeAction action, string principal, string resource)
    {
        this.schema = schema;
        this.dice = dice;
        this.action = action;
        Walk("principal", new ShapeType(CedarKind.Entity, principal), [], 3);
        Walk("resource", new ShapeType(CedarKind.Entity, resource), [], 3);
        Walk("context", new ShapeType(CedarKind.Record, Fields: action.Context), [], 3);
    }

    public static string Entity(SchemaShape schema, Dice dice, string type)
    {
        var choices = schema.Entities.FirstOrDefault(e => e.Name == type)?.Choices ?? [];
        return $"{type}::{Dice.Quote(choices.Count > 0 && !dice.Chance(5) ? dice.Pick(choices) : dice.Pick(Texts))}";
    }

    public string Of(ShapeType type, int depth)
    {
        if (dice.Chance(2)) type = Other();
        if (type.Kind == CedarKind.Bool) return Bool(depth);

        // What may be missing is asked for first, most of the time, by the condition around it.
        if (dice.Chance(60) && Read(type) is { } read) return read;
        if (depth > 0 && dice.Chance(10)) return $"(if {Bool(depth - 1)} then {Of(type, depth - 1)} else {Of(type, depth - 1)})";
        return type.Kind switch
        {
            CedarKind.Long => Long(depth),
            CedarKind.String => Dice.Quote(dice.Pick(Texts)),
            CedarKind.Entity => Entity(schema, dice, type.Entity!),
            CedarKind.Set => Set(type, depth),
            CedarKind.Record => $"{{{string.Join(", ", type.Fields!.Where(f => f.IsRequired || dice.Chance(50)).Select(f => $"{Dice.Quote(f.Name)}: {Of(f.Type, depth - 1)}"))}}}",
            CedarKind.Decimal => dice.Chance(90) ? "decimal(\"1.25\")" : "decimal(\"x\")",
            CedarKind.Ip => dice.Chance(90) ? "ip(\"10.0.0.0/8\")" : $"ip({Of(new ShapeType(CedarKind.String), depth - 1)})",
            CedarKind.DateTime => depth > 0 && dice.Chance(30) ? $"{Of(type, depth - 1)}.offset({Of(new ShapeType(CedarKind.Duration), depth - 1)})" : "datetime(\"2024-10-15\")",
            _ => depth > 0 && dice.Chance(30) ? $"{Of(new ShapeType(CedarKind.DateTime), depth - 1)}.toTime()" : "duration(\"1h\")",
        };
    }

    private ShapeType Other() => dice.Upto(4) switch
    {
        0 => new ShapeType(CedarKind.Bool),
        1 => new ShapeType(CedarKind.Long),
        2 => new ShapeType(CedarKind.String),
        3 when schema.Entities.Count > 0 => new ShapeType(CedarKind.Entity, dice.Pick(schema.Entities).Name),
        _ => new ShapeType(CedarKind.Set, Element: new ShapeType(CedarKind.Long)),
    };

    // A path of the type, unguarded; null when there is none.
    private string? Read(ShapeType type)
    {
        var fitting = paths.Where(p => p.Type.Same(type) && (p.Guards.Count == 0 || dice.Chance(15))).ToList();
        return fitting.Count == 0 ? null : dice.Pick(fitting).Text;
    }

    private string Set(ShapeType type, int depth)
    {
        var elements = Enumerable.Range(0, dice.Chance(5) ? 0 : dice.Upto(2) + 1).Select(_ => Of(type.Element!, depth - 1));
        return $"[{string.Join(", ", elements)}]";
    }

    private string Long(int depth) => (depth > 0 ? dice.Upto(5) : 0) switch
    {
        1 => $"({Of(new ShapeType(CedarKind.Long), depth - 1)} {dice.Pick(["+", "-", "*"])} {Of(new ShapeType(CedarKind.Long), depth - 1)})",
        2 => $"-({Of(new ShapeType(CedarKind.Long), depth - 1)})",
        3 => $"{Of(new ShapeType(CedarKind.Duration), depth - 1)}.toMinutes()",
        _ => $"{dice.Upto(100)}",
    };

    private string Bool(int depth)
    {
        if (depth <= 0) return dice.Chance(30) ? dice.Pick(["true", "false"]) : Leaf(0);
        return dice.Upto(13) switch
        {
            0 => $"({Bool(depth - 1)} && {Bool(depth - 1)})",
            1 => $"{Grouped(depth)} && {Grouped(depth)}",
            2 => $"({Bool(depth - 1)} || {Bool(depth - 1)})",
            3 => $"!({Bool(depth - 1)})",
            4 => $"(if {Bool(depth - 1)} then {Bool(depth - 1)} else {Bool(depth - 1)})",
            5 or 6 or 7 when paths.Any(p => p.Guards.Count > 0) => Guarded(depth),
            8 => Tagged(depth),
            9 => $"{Of(new ShapeType(CedarKind.Long), depth - 1)} {dice.Pick(["<", "<=", ">", ">="])} {Of(new ShapeType(CedarKind.Long), depth - 1)}".Insert(0, "(") + ")",
            _ => Leaf(depth),
        };
    }

    private string Grouped(int depth) => $"({Bool(depth - 1)})";

    private string Guarded(int depth)
    {
        var path = dice.Pick(paths.Where(p => p.Guards.Count > 0).ToList());
        var guards = dice.Chance(85) ? path.Guards : [.. path.Guards.Skip(1)];
        var use = path.Type.Kind == CedarKind.Bool ? path.Text : $"{path.Text} == {Of(path.Type, depth - 1)}";
        return $"({string.Join(dice.Chance(95) ? " && " : " || ", guards.Append(use))})";
    }

    private string Tagged(int depth)
    {
        var entities = paths.Where(p => p.Type.Kind == CedarKind.Entity && p.Guards.Count == 0).ToList();
        var target = entities.Count > 0 ? dice.Pick(entities) : paths[0];
        var tags = schema.Entities.FirstOrDefault(e => e.Name == target.Type.Entity)?.Tags;
        var name = Of(new ShapeType(CedarKind.String), 0);
        var other = dice.Chance(90) ? name : Dice.Quote("other");
        if (tags is null) return $"{target.Text}.hasTag({name})";
        return $"({target.Text}.hasTag({name}) && {target.Text}.getTag({other}) == {Of(tags, depth - 1)})";
    }

    private string Leaf(int depth)
    {
        switch (dice.Upto(12))
        {
            case 0:
                var typed = dice.Pick(paths);
                return $"({typed.Text} == {Of(typed.Type, depth - 1)})";
            case 1:
                var compared = dice.Pick(paths);
                return $"({Of(compared.Type, depth - 1)} != {Of(compared.Type, depth - 1)})";
            case 2:
                return $"({dice.Pick(["principal", "resource"])} is {AnyType()})";
            case 3:
                return $"({dice.Pick(["principal", "resource"])} in {Entity(schema, dice, AnyType())})";
            case 4:
                return $"({dice.Pick(["principal", "resource", "action"])} in [{Entity(schema, dice, AnyType())}])";
            case 5:
                return $"(action {dice.Pick(["==", "in", "!="])} {(schema.Actions.Count > 0 ? dice.Pick(schema.Actions).Uid : action.Uid)})";
            case 6:
                return $"({Of(new ShapeType(CedarKind.String), depth - 1)} like \"a*\\*\")";
            case 7:
                var set = new ShapeType(CedarKind.Set, Element: dice.Pick(paths).Type);
                return $"{Of(set, depth - 1)}.{(dice.Chance(50) ? $"contains({Of(set.Element!, depth - 1)})" : $"{dice.Pick(["containsAll", "containsAny"])}({Of(set, depth - 1)})")}";
            case 8:
                return $"{Of(new ShapeType(CedarKind.Set, Element: dice.Pick(paths).Type), depth - 1)}.isEmpty()";
            case 9:
                return $"({dice.Pick(["principal", "resource", "context"])} has {dice.Pick(["a", "b", "name", "a.b", "\"x y\"", "owner.name"])})";
            case 10:
                return $"{Of(new ShapeType(CedarKind.Ip), depth - 1)}.isInRange({Of(new ShapeType(CedarKind.Ip), depth - 1)})";
            case 11:
                return $"({Of(new ShapeType(CedarKind.DateTime), depth - 1)} < {Of(new ShapeType(CedarKind.DateTime), depth - 1)})";
            default:
                return $"{Of(new ShapeType(CedarKind.Decimal), depth - 1)}.lessThan({Of(new ShapeType(CedarKind.Decimal), depth - 1)})";
        }
    }

    private string AnyType() => schema.Entities.Count > 0 && !dice.Chance(2) ? dice.Pick(schema.Entities).Name : "Missing";

    private void Walk(string text, ShapeType type, List<string> guards, int depth)
    {
        paths.Add(new Path(text, type, guards));
        if (depth == 0 || paths.Count > 60) return;
        var fields = type.Fields ?? schema.Entities.FirstOrDefault(e => e.Name == type.Entity)?.Fields ?? [];
        foreach (var field in fields)
        {
            var plain = CedarName.IsIdentifier(field.Name) && !CedarName.IsReserved(field.Name);
            var access = plain ? $"{text}.{field.Name}" : $"{text}[{Dice.Quote(field.Name)}]";
            List<string> needed = field.IsRequired ? guards : [.. guards, $"{text} has {(plain ? field.Name : Dice.Quote(field.Name))}"];
            Walk(access, field.Type, needed, depth - 1);
        }
    }

    /// <summary>Something that can be read of a request, and what has to be asked first.</summary>
    private sealed record Path(string Text, ShapeType Type, List<string> Guards);
}
