using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Operators of two operands, and calls.</summary>
internal sealed partial class TypeChecker
{
    private TypeAnswer Binary(CoreNode node, CapabilitySet known)
    {
        switch (node.Kind)
        {
            case CoreKind.Equal:
                return Equal(node, known);
            case CoreKind.Less or CoreKind.LessOrEqual:
                return Comparison(node, known);
            case CoreKind.In:
                return In(node, known);
            case CoreKind.Contains:
                return Contains(node, known);
            case CoreKind.ContainsAll or CoreKind.ContainsAny:
                return ContainsSet(node, known);
            case CoreKind.HasTag:
                return HasTag(node, known);
            case CoreKind.GetTag:
                return GetTag(node, known);
            default:
                Func<CedarType, string?> hint = node.Kind == CoreKind.Add ? Hints.Add : Hints.Arithmetic;
                var left = Expect(node.First, known, CedarType.Long, hint);
                var right = Expect(node.Second, known, CedarType.Long, hint);
                return TypeAnswer.Of(CedarType.Long).After(left, right);
        }
    }

    private TypeAnswer Equal(CoreNode node, CapabilitySet known)
    {
        var left = Check(node.First, known);
        var right = Check(node.Second, known);
        var type = BoolType.Any;
        if (left.Type is not null && right.Type is not null && TypeRelations.AreDisjoint(left.Type, right.Type)) type = BoolType.False;
        else if (LiteralOf(node.First) is { } a && LiteralOf(node.Second) is { } b) type = BoolType.Of(a == b);

        // What is decided already needs no common type.
        var answer = ReferenceEquals(type, BoolType.Any) ? Alike(node, type, left.Type, right.Type, "both sides of ==") : TypeAnswer.Of(type);
        return answer.After(left, right);
    }

    private TypeAnswer Contains(CoreNode node, CapabilitySet known)
    {
        var set = Expect(node.First, known, SetType.Any, Hints.Contains);
        var element = Check(node.Second, known);
        return Alike(node, BoolType.Any, (set.Type as SetType)?.Element, element.Type, "the set's elements and the argument of contains").After(set, element);
    }

    private TypeAnswer ContainsSet(CoreNode node, CapabilitySet known)
    {
        var set = Expect(node.First, known, SetType.Any, Hints.Contains);
        var other = Expect(node.Second, known, SetType.Any, Hints.ContainsSet);
        return Alike(node, BoolType.Any, set.Type, other.Type, "both sets").After(set, other);
    }

    // In strict mode only what has a common type is compared: of others the answer is always no.
    private TypeAnswer Alike(CoreNode node, BoolType type, CedarType? left, CedarType? right, string what)
    {
        if (!strict || left is null || right is null || TypeRelations.UpperBound(left, right, strict, out var help) is not null) return TypeAnswer.Of(type);
        report.Incompatible(node.Span, what, [left, right], help);
        return TypeAnswer.Failed(type);
    }

    private TypeAnswer Comparison(CoreNode node, CapabilitySet known)
    {
        var left = Check(node.First, known);
        var right = Check(node.Second, known);
        var answer = TypeAnswer.Failed(BoolType.Any);
        if (left.Type is null || right.Type is null) return answer;
        if (IsOrdered(left.Type) && IsOrdered(right.Type) && left.Type.Equals(right.Type)) return TypeAnswer.Of(BoolType.Any).After(left, right);
        var leftNever = ReferenceEquals(left.Type, CedarType.Never);
        var rightNever = ReferenceEquals(right.Type, CedarType.Never);
        if (leftNever && rightNever) return answer;
        if (leftNever || rightNever)
        {
            if (IsOrdered(leftNever ? right.Type : left.Type)) return TypeAnswer.Of(BoolType.Any).After(left, right);
            report.Unexpected((leftNever ? node.Second : node.First).Span, Ordered, leftNever ? right.Type : left.Type, null);
        }
        else if (ReferenceEquals(left.Type, CedarType.Long) || (IsOrdered(left.Type) && !ReferenceEquals(right.Type, CedarType.Long)))
        {
            report.Unexpected(node.Second.Span, [left.Type], right.Type, null);
        }
        else if (IsOrdered(right.Type))
        {
            report.Unexpected(node.First.Span, [right.Type], left.Type, null);
        }
        else
        {
            report.Unexpected(node.First.Span, Ordered, left.Type, null);
            report.Unexpected(node.Second.Span, Ordered, right.Type, null);
        }

        return answer;
    }

    private static readonly CedarType[] Ordered = [CedarType.Long, ExtensionType.DateTime, ExtensionType.Duration];

    private static bool IsOrdered(CedarType type) => Ordered.Contains(type);

    private TypeAnswer In(CoreNode node, CapabilitySet known)
    {
        var left = Expect(node.First, known, EntityReferenceType.Any, Hints.In);
        var right = Expect(node.Second, known, EntityOrEntities, Hints.InSet);
        if (!left.Holds || !right.Holds) return TypeAnswer.Failed(BoolType.Any);
        if (EntityOf(node.First) is { } entity && entity.Type.IsAction && EntitiesOf(node.Second) is { } groups) return ActionIn(entity, groups);
        var members = left.Type as EntityReferenceType;
        var parents = (right.Type is SetType set ? set.Element : right.Type) as EntityReferenceType;
        var possible = members is not { IsAny: false } || parents is not { IsAny: false } || members.Types.Any(m => parents.Types.Any(p => CanBeIn(m, p)));
        return TypeAnswer.Of(possible ? BoolType.Any : BoolType.False);
    }

    // An action is in groups of actions alone, and which those are the schema says.
    private TypeAnswer ActionIn(EntityUid action, ImmutableArray<EntityUid> groups)
    {
        var within = false;
        foreach (var group in groups)
        {
            if (!group.Type.IsAction) continue;
            if (schema.Find(group) is not { } declared) return TypeAnswer.Failed(BoolType.Any);
            within |= group.Equals(action) || declared.Descendants.Contains(action);
        }

        return TypeAnswer.Of(BoolType.Of(within));
    }

    private bool CanBeIn(EntityType member, EntityType parent) => member == parent
        || schema.Find(parent)?.Descendants.Contains(member) == true
        || schema.ActionList.Any(a => a.Uid.Type == parent && a.Descendants.Any(d => d.Type == member));

    // The variable `action` is as good as its name: the environment knows it.
    private CedarValue? LiteralOf(CoreNode node) => node.Kind switch
    {
        CoreKind.Literal => node.Value,
        CoreKind.Variable when node.Variable == Variable.Action => CedarValue.Entity(environment.Action.Uid),
        _ => null,
    };

    private EntityUid? EntityOf(CoreNode node) => LiteralOf(node)?.AsEntity();

    private ImmutableArray<EntityUid>? EntitiesOf(CoreNode node)
    {
        if (EntityOf(node) is { } single) return [single];
        if (node.Kind != CoreKind.Set) return null;
        var entities = ImmutableArray.CreateBuilder<EntityUid>(node.Children.Length);
        foreach (var child in node.Children)
        {
            if (EntityOf(child) is not { } entity) return null;
            entities.Add(entity);
        }

        return entities.ToImmutable();
    }

    private TypeAnswer Call(CoreNode node, CapabilitySet known)
    {
        var signature = node.Function.Signature();
        var result = CedarType.Of(signature.Result);
        var failed = false;
        if (node.Children.Length != signature.Parameters.Length)
        {
            failed = true;
            report.Error(node.Span, $"{signature.Name} takes {Counted(signature.Parameters.Length, signature)}, not {node.Children.Length - (signature.IsMethod ? 1 : 0)}", null);
        }

        if (signature.IsConstructor && !Constructs(node, signature)) failed = true;
        if (failed)
        {
            foreach (var child in node.Children) Check(child, known);
            return TypeAnswer.Failed(result);
        }

        var holds = true;
        for (var i = 0; i < node.Children.Length; i++) holds &= Expect(node.Children[i], known, CedarType.Of(signature.Parameters[i])).Holds;
        return holds ? TypeAnswer.Of(result) : TypeAnswer.Failed(result);
    }

    private static string Counted(int parameters, ExtensionSignature signature) => (parameters - (signature.IsMethod ? 1 : 0)) switch
    {
        0 => "no argument",
        1 => "one argument",
        var count => $"{count} arguments",
    };

    private bool Constructs(CoreNode node, ExtensionSignature signature)
    {
        var fine = true;
        if (node.Children is [{ Kind: CoreKind.Literal } text] && text.Value.AsString() is not null
            && ExtensionOperations.Apply(node.Function, text.Value, default, out _) != ExtensionFault.None)
        {
            report.Error(node.Span, $"{signature.Name} cannot read {text.Value}", Hints.Constructor(node.Function));
            fine = false;
        }

        if (strict && node.Children.Any(c => c.Kind != CoreKind.Literal))
        {
            report.Error(node.Span, $"{signature.Name} takes only a text in quotes in strict mode", "put the value into the context or an attribute, of the extension type");
            fine = false;
        }

        return fine;
    }
}
