using System.Runtime.CompilerServices;

namespace Moat.Cedar;

/// <summary>Checks the types of one policy for one <see cref="RequestEnvironment"/>.</summary>
internal sealed partial class TypeChecker(CedarSchema schema, RequestEnvironment environment, bool strict, ValidationReport report)
{
    private static readonly CedarType[] EntityOrRecord = [EntityReferenceType.Any, RecordType.Any];
    private static readonly CedarType[] EntityOrEntities = [new SetType(EntityReferenceType.Any), EntityReferenceType.Any];

    /// <summary>Whether a part of a policy can be true, as far as the types tell.</summary>
    public bool CanHold(CoreNode part)
    {
        var answer = Expect(part, default, BoolType.Any);
        return !ReferenceEquals(answer.Type, BoolType.False);
    }

    private TypeAnswer Check(CoreNode node, CapabilitySet known)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return node.Kind switch
        {
            CoreKind.Literal => Literal(node),
            CoreKind.Variable => TypeAnswer.Of(TypeOf(node.Variable)),
            CoreKind.Slot => TypeAnswer.Of((node.Slot == Slot.Principal ? environment.PrincipalSlot : environment.ResourceSlot) is { } type
                ? EntityReferenceType.Of(type)
                : EntityReferenceType.Any),
            CoreKind.Conditional => Conditional(node, known),
            CoreKind.And => And(node, known),
            CoreKind.Or => Or(node, known),
            CoreKind.Not => Not(node, known),
            CoreKind.Negate => TypeAnswer.Of(CedarType.Long).After(Expect(node.First, known, CedarType.Long)),
            CoreKind.IsEmpty => TypeAnswer.Of(BoolType.Any).After(Expect(node.First, known, SetType.Any, Hints.IsEmpty)),
            CoreKind.Like => TypeAnswer.Of(BoolType.Any).After(Expect(node.First, known, CedarType.String, Hints.Like)),
            CoreKind.Is => Is(node, known),
            CoreKind.GetAttribute => GetAttribute(node, known),
            CoreKind.HasAttribute => HasAttribute(node, known),
            CoreKind.Set => Set(node, known),
            CoreKind.Record => Record(node, known),
            CoreKind.Call => Call(node, known),
            _ => Binary(node, known),
        };
    }

    private CedarType TypeOf(Variable variable) => variable switch
    {
        Variable.Principal => EntityReferenceType.Of(environment.Principal),
        Variable.Action => EntityReferenceType.Of(environment.Action.Uid.Type),
        Variable.Resource => EntityReferenceType.Of(environment.Resource),
        _ => environment.Action.Context,
    };

    private TypeAnswer Literal(CoreNode node)
    {
        switch (node.Value.Kind)
        {
            case CedarKind.Bool:
                return TypeAnswer.Of(BoolType.Of(node.Value.TryGetBool(out var value) && value));
            case CedarKind.Long:
                return TypeAnswer.Of(CedarType.Long);
            case CedarKind.String:
                return TypeAnswer.Of(CedarType.String);
        }

        // What is not declared has been reported before types are checked, for the whole policy at once.
        var uid = node.Value.AsEntity()!;
        var declared = uid.Type.IsAction ? schema.Find(uid) is not null : schema.Find(uid.Type) is not null;
        return declared ? TypeAnswer.Of(EntityReferenceType.Of(uid.Type)) : TypeAnswer.Failed();
    }

    /// <summary>The answer for an operand that has to be of one type.</summary>
    private TypeAnswer Expect(CoreNode node, CapabilitySet known, CedarType expected, Func<CedarType, string?>? hint = null) => Expect(node, known, [expected], hint);

    // Operands are compared with width even in strict mode: what asks for a record asks for any.
    private TypeAnswer Expect(CoreNode node, CapabilitySet known, CedarType[] expected, Func<CedarType, string?>? hint = null)
    {
        var answer = Check(node, known);
        if (answer.Type is null) return TypeAnswer.Failed();
        foreach (var type in expected)
        {
            if (TypeRelations.IsSubtype(answer.Type, type, strict: false)) return answer;
        }

        report.Unexpected(node.Span, expected, answer.Type, hint?.Invoke(answer.Type));
        return TypeAnswer.Failed();
    }

    private TypeAnswer Conditional(CoreNode node, CapabilitySet known)
    {
        var test = Expect(node.First, known, BoolType.Any);
        if (ReferenceEquals(test.Type, BoolType.True))
        {
            var then = Check(node.Second, known.Union(test.Capabilities));
            return (then with { Capabilities = then.Capabilities.Union(test.Capabilities) }).After(test, then);
        }

        if (ReferenceEquals(test.Type, BoolType.False))
        {
            var otherwise = Check(node.Children[2], known);
            return otherwise.After(test, otherwise);
        }

        var yes = Check(node.Second, known.Union(test.Capabilities));
        var no = Check(node.Children[2], known);
        if (yes.Type is null || no.Type is null) return TypeAnswer.Failed();
        var type = TypeRelations.UpperBound(yes.Type, no.Type, strict, out var help);
        if (type is null)
        {
            report.Incompatible(node.Span, "the branches of if", [yes.Type, no.Type], help);
            return TypeAnswer.Failed();
        }

        return TypeAnswer.Of(type, no.Capabilities.Intersect(yes.Capabilities.Union(test.Capabilities))).After(test).After(yes, no);
    }

    private TypeAnswer And(CoreNode node, CapabilitySet known)
    {
        var left = Expect(node.First, known, BoolType.Any);

        // What can never run is not checked.
        if (ReferenceEquals(left.Type, BoolType.False)) return TypeAnswer.Of(BoolType.False).After(left);
        var right = Expect(node.Second, known.Union(left.Capabilities), BoolType.Any);
        if (left.Type is null || right.Type is null) return TypeAnswer.Failed(BoolType.Any);
        TypeAnswer both;
        if (ReferenceEquals(right.Type, BoolType.False)) both = TypeAnswer.Of(BoolType.False);
        else if (ReferenceEquals(right.Type, BoolType.True)) both = TypeAnswer.Of(left.Type, left.Capabilities.Union(right.Capabilities));
        else if (ReferenceEquals(left.Type, BoolType.True)) both = TypeAnswer.Of(right.Type, right.Capabilities);
        else both = TypeAnswer.Of(BoolType.Any, left.Capabilities.Union(right.Capabilities));
        return both.After(left, right);
    }

    private TypeAnswer Or(CoreNode node, CapabilitySet known)
    {
        var left = Expect(node.First, known, BoolType.Any);
        if (ReferenceEquals(left.Type, BoolType.True)) return left;

        // The left may have been false, so the right learns nothing from it.
        var right = Expect(node.Second, known, BoolType.Any);
        if (left.Type is null || right.Type is null) return TypeAnswer.Failed(BoolType.Any);
        TypeAnswer either;
        if (ReferenceEquals(right.Type, BoolType.True)) either = TypeAnswer.Of(BoolType.True, right.Capabilities);
        else if (ReferenceEquals(right.Type, BoolType.False)) either = TypeAnswer.Of(left.Type, left.Capabilities);
        else if (ReferenceEquals(left.Type, BoolType.False)) either = TypeAnswer.Of(right.Type, right.Capabilities);
        else either = TypeAnswer.Of(BoolType.Any, right.Capabilities.Intersect(left.Capabilities));
        return either.After(left, right);
    }

    private TypeAnswer Not(CoreNode node, CapabilitySet known)
    {
        var operand = Expect(node.First, known, BoolType.Any);
        if (operand.Type is null) return TypeAnswer.Failed(BoolType.Any);
        var type = ReferenceEquals(operand.Type, BoolType.True) ? BoolType.False : ReferenceEquals(operand.Type, BoolType.False) ? BoolType.True : BoolType.Any;
        return TypeAnswer.Of(type).After(operand);
    }

    private TypeAnswer Is(CoreNode node, CapabilitySet known)
    {
        var operand = Expect(node.First, known, EntityReferenceType.Any, Hints.Is);
        if (operand.Type is not EntityReferenceType type) return TypeAnswer.Failed(BoolType.Any);
        var answer = type.IsAny || (type.Contains(node.Type) && type.Single is null) ? BoolType.Any : BoolType.Of(type.Contains(node.Type));
        return TypeAnswer.Of(answer).After(operand);
    }

    private TypeAnswer Set(CoreNode node, CapabilitySet known)
    {
        var holds = true;
        var types = new CedarType?[node.Children.Length];
        for (var i = 0; i < types.Length; i++)
        {
            var element = Check(node.Children[i], known);
            holds &= element.Holds;
            types[i] = element.Type;
        }

        if (Array.Exists(types, t => t is null)) return TypeAnswer.Failed();
        if (UpperBound(node.Span, "the elements of a set", types!) is not { } bound) return TypeAnswer.Failed();
        if (strict && types.Length == 0)
        {
            report.Error(node.Span, "the empty set has no type in strict mode", "write x.isEmpty() to ask whether a set is empty");
            return TypeAnswer.Failed();
        }

        return new TypeAnswer(new SetType(bound), default, holds);
    }

    private TypeAnswer Record(CoreNode node, CapabilitySet known)
    {
        var holds = true;
        var attributes = new List<KeyValuePair<string, AttributeType>>(node.Children.Length);
        for (var i = 0; i < node.Children.Length; i++)
        {
            var value = Check(node.Children[i], known);
            holds &= value.Holds;
            if (value.Type is not null) attributes.Add(new(node.Names[i], new AttributeType(value.Type, true)));
        }

        return attributes.Count == node.Children.Length ? new TypeAnswer(RecordType.Of(attributes), default, holds) : TypeAnswer.Failed();
    }

    // The type of them all; null, and reported, when there is none.
    private CedarType? UpperBound(SourceSpan span, string what, IReadOnlyList<CedarType> types)
    {
        var bound = CedarType.Never;
        foreach (var type in types)
        {
            if (TypeRelations.UpperBound(bound, type, strict, out var help) is { } next)
            {
                bound = next;
                continue;
            }

            report.Incompatible(span, what, types, help);
            return null;
        }

        return bound;
    }
}
