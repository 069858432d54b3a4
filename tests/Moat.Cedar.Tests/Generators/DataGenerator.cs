namespace Moat.Cedar.Tests.Generators;

/// <summary>Makes entities and requests that fit a generated schema.</summary>
internal sealed class DataGenerator(SchemaShape schema, Dice dice)
{
    private static readonly string[] Ids = ["", "a", "x*y"];
    private readonly List<EntityUid> made = [];

    /// <summary>Some entities of each type; what they speak of is mostly among them.</summary>
    public EntityStore Entities()
    {
        var all = schema.Entities.SelectMany(e => (e.Choices.Count > 0 ? e.Choices : Ids).Select(id => (Shape: e, Uid: new EntityUid(new EntityType(e.Name), id)))).ToList();
        var entities = new List<Entity>();
        foreach (var (shape, uid) in all.Where(_ => dice.Chance(80)))
        {
            // Of those before it alone, so that none is in itself.
            var parents = dice.Some(made.Where(m => shape.Parents.Contains(m.Type.Name)), 40);
            var tags = shape.Tags is null ? null : Record(dice.Some(Ids, 50).Select(id => new ShapeField(id, shape.Tags, true)));
            entities.Add(new Entity(uid, Record(shape.Fields), parents, tags));
            made.Add(uid);
        }

        return EntityStore.Create(entities);
    }

    /// <summary>A request of some action that applies to something; null when there is none.</summary>
    public Request? Request()
    {
        var applicable = schema.Actions.Where(a => a.Principals.Count > 0).ToList();
        if (applicable.Count == 0) return null;
        var action = dice.Pick(applicable);
        return new Request(Uid(dice.Pick(action.Principals)), Parse(action.Uid), Uid(dice.Pick(action.Resources)), Record(action.Context));
    }

    private static EntityUid Parse(string text) => EntityUid.TryParse(text, out var uid) ? uid : throw new FormatException(text);

    private EntityUid Uid(string type)
    {
        var choices = schema.Entities.First(e => e.Name == type).Choices;
        return new EntityUid(new EntityType(type), dice.Pick(choices.Count > 0 ? choices : Ids));
    }

    private CedarRecord Record(IEnumerable<ShapeField> fields) =>
        CedarRecord.Create(fields.Where(f => f.IsRequired || dice.Chance(60)).Select(f => KeyValuePair.Create(f.Name, Value(f.Type))));

    private CedarValue Value(ShapeType type) => type.Kind switch
    {
        CedarKind.Bool => CedarValue.Bool(dice.Chance(50)),
        CedarKind.Long => CedarValue.Long(dice.Upto(100)),
        CedarKind.String => CedarValue.String(dice.Pick(Ids)),
        CedarKind.Entity => CedarValue.Entity(Uid(type.Entity!)),
        CedarKind.Set => CedarValue.Set(CedarSet.Create(Enumerable.Range(0, dice.Upto(2)).Select(_ => Value(type.Element!)))),
        CedarKind.Record => CedarValue.Record(Record(type.Fields!)),
        CedarKind.Decimal => CedarValue.Decimal(dice.Upto(20_000)),
        CedarKind.DateTime => CedarValue.DateTime(dice.Upto(1_000_000)),
        CedarKind.Duration => CedarValue.Duration(dice.Upto(1_000_000)),
        _ => CedarValue.Ip(CedarIp.Parse(dice.Chance(50) ? "10.0.0.1" : "::1/64")!),
    };
}
