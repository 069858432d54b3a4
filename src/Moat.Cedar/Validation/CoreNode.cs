namespace Moat.Cedar;

/// <summary>What a <see cref="CoreNode"/> is.</summary>
internal enum CoreKind
{
    Literal,
    Variable,
    Slot,
    Conditional,
    And,
    Or,
    Not,
    Negate,
    IsEmpty,
    Equal,
    Less,
    LessOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Contains,
    ContainsAll,
    ContainsAny,
    GetTag,
    HasTag,
    GetAttribute,
    HasAttribute,
    Like,
    Is,
    Set,
    Record,
    Call,
}

/// <summary>
/// An expression in the few forms that the others stand for: <c>a != b</c> is <c>!(a == b)</c>, <c>a &gt; b</c> is
/// <c>!(a &lt;= b)</c>, <c>x has a.b</c> is <c>x has a &amp;&amp; x.a has b</c>, and <c>x is T in y</c> is <c>x is T &amp;&amp; x in y</c>.
/// </summary>
/// <param name="Kind">The form.</param>
/// <param name="Shape">A number that two nodes of one policy have in common when they are alike but for their places.</param>
/// <param name="Span">Where it stands in the policy.</param>
internal sealed record CoreNode(CoreKind Kind, int Shape, SourceSpan Span)
{
    /// <summary>The operands; the values of a record in the order of its names.</summary>
    public required CoreNode[] Children { get; init; }

    /// <summary>A literal's value.</summary>
    public CedarValue Value { get; init; }

    /// <summary>A variable.</summary>
    public Variable Variable { get; init; }

    /// <summary>A slot.</summary>
    public Slot Slot { get; init; }

    /// <summary>The attribute's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The names of a record.</summary>
    public string[] Names { get; init; } = [];

    /// <summary>The type of <c>is</c>.</summary>
    public EntityType Type { get; init; }

    /// <summary>The function that is called.</summary>
    public ExtensionFunction Function { get; init; }

    /// <summary>Of the access to an attribute or a tag, and of the question for it: the shape of the question, which is what a yes permits.</summary>
    public int Capability { get; init; }

    public CoreNode First => Children[0];

    public CoreNode Second => Children[1];
}

/// <summary>The parts of a policy, all of which must hold for it to apply; each is asked only where those before it hold.</summary>
/// <param name="Principal">The scope's part about the principal; it speaks of nothing else.</param>
/// <param name="Action">The scope's part about the action; it speaks of nothing else.</param>
/// <param name="Resource">The scope's part about the resource; it speaks of nothing else.</param>
/// <param name="Condition">The conditions, each within the one before.</param>
internal sealed record CorePolicy(CoreNode Principal, CoreNode Action, CoreNode Resource, CoreNode Condition);
