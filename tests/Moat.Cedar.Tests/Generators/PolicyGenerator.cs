using System.Text;

namespace Moat.Cedar.Tests.Generators;

/// <summary>Makes policies over a generated schema: most of them fit it, some nearly.</summary>
internal sealed class PolicyGenerator(SchemaShape schema, int seed)
{
    private readonly Dice dice = new(seed);

    /// <summary>The text of one more policy or template.</summary>
    public string Policy()
    {
        var applicable = schema.Actions.Where(a => a.Principals.Count > 0).ToList();
        var action = applicable.Count > 0 ? dice.Pick(applicable) : new ShapeAction("Action::\"none\"", [], [Anything()], [Anything()], []);
        var (principal, resource) = (dice.Pick(action.Principals), dice.Pick(action.Resources));
        var text = new StringBuilder();
        if (dice.Chance(15)) text.Append("@id(\"x\\\"y\") ");
        text.Append(dice.Chance(70) ? "permit(" : "forbid(").Append(Party("principal", principal)).Append(", ").Append(ActionScope(action)).Append(", ")
            .Append(Party("resource", resource)).Append(')');
        var expressions = new ExpressionGenerator(schema, dice, action, principal, resource);
        for (var i = dice.Upto(2); i > 0; i--) text.Append(dice.Chance(75) ? " when { " : " unless { ").Append(expressions.Of(new ShapeType(CedarKind.Bool), 4)).Append(" }");
        return text.Append(';').ToString();
    }

    private string Anything() => schema.Entities.Count > 0 ? dice.Pick(schema.Entities).Name : "Nothing";

    private string Party(string variable, string type)
    {
        if (dice.Chance(4)) type = dice.Chance(50) ? Anything() : "Missing";
        var above = dice.Chance(85) ? Above(type) : Anything();
        return dice.Upto(7) switch
        {
            0 => variable,
            1 => $"{variable} == {Entity(type)}",
            2 => $"{variable} in {Entity(above)}",
            3 => $"{variable} is {type} in {Entity(above)}",
            4 when dice.Chance(40) => $"{variable} == ?{variable}",
            4 when dice.Chance(50) => $"{variable} in ?{variable}",
            4 => $"{variable} is {type} in ?{variable}",
            _ => $"{variable} is {type}",
        };
    }

    private string Entity(string type) => ExpressionGenerator.Entity(schema, dice, type);

    private string Above(string type)
    {
        var parents = schema.Entities.FirstOrDefault(e => e.Name == type)?.Parents ?? [];
        return parents.Count > 0 && dice.Chance(70) ? dice.Pick(parents) : type;
    }

    private string ActionScope(ShapeAction action)
    {
        var uid = dice.Chance(4) ? "Action::\"missing\"" : action.Uid;
        return dice.Upto(4) switch
        {
            0 => "action",
            1 when action.Groups.Count > 0 => $"action in {dice.Pick(action.Groups)}",
            2 => $"action in [{string.Join(", ", dice.Some(schema.Actions, 40).Select(a => a.Uid).Append(uid))}]",
            _ => $"action == {uid}",
        };
    }
}
