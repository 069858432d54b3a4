namespace Moat.Cedar;

/// <summary>The four variables of a request.</summary>
public enum Variable
{
    /// <summary>Who asks.</summary>
    Principal,

    /// <summary>What is to be done.</summary>
    Action,

    /// <summary>To what.</summary>
    Resource,

    /// <summary>The record of circumstances.</summary>
    Context,
}

/// <summary>The operators of one operand.</summary>
public enum UnaryOperator
{
    /// <summary><c>!x</c>.</summary>
    Not,

    /// <summary><c>-x</c>.</summary>
    Negate,

    /// <summary><c>x.isEmpty()</c>.</summary>
    IsEmpty,
}

/// <summary>The operators of two operands.</summary>
public enum BinaryOperator
{
    /// <summary><c>||</c>.</summary>
    Or,

    /// <summary><c>&amp;&amp;</c>.</summary>
    And,

    /// <summary><c>==</c>.</summary>
    Equal,

    /// <summary><c>!=</c>.</summary>
    NotEqual,

    /// <summary><c>&lt;</c>.</summary>
    Less,

    /// <summary><c>&lt;=</c>.</summary>
    LessOrEqual,

    /// <summary><c>&gt;</c>.</summary>
    Greater,

    /// <summary><c>&gt;=</c>.</summary>
    GreaterOrEqual,

    /// <summary><c>in</c>: in the entity, or in one of the set.</summary>
    In,

    /// <summary><c>+</c>.</summary>
    Add,

    /// <summary><c>-</c>.</summary>
    Subtract,

    /// <summary><c>*</c>.</summary>
    Multiply,

    /// <summary><c>set.contains(x)</c>.</summary>
    Contains,

    /// <summary><c>set.containsAll(set)</c>.</summary>
    ContainsAll,

    /// <summary><c>set.containsAny(set)</c>.</summary>
    ContainsAny,

    /// <summary><c>entity.getTag(name)</c>.</summary>
    GetTag,

    /// <summary><c>entity.hasTag(name)</c>.</summary>
    HasTag,
}
