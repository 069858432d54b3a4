using System.Collections.Immutable;
using System.Text;

namespace Moat.Cedar;

/// <summary>
/// A type with its names looked up. Equal by structure; the hash and the depth are worked out once, so that types that share
/// their parts stay cheap.
/// </summary>
internal abstract class CedarType : IEquatable<CedarType>
{
    /// <summary>What a schema may declare: common types that use others twice can grow without end.</summary>
    public const int MaxSize = 100_000;

    private readonly int hash;

    private protected CedarType(int hash, int depth = 1, int size = 1)
    {
        this.hash = hash;
        Depth = depth;
        Size = size;
    }

    /// <summary>How many types are nested in each other at most, from 1.</summary>
    public int Depth { get; }

    /// <summary>How many types it is made of, those that are shared counted each time; never more than <see cref="MaxSize"/> and one.</summary>
    public int Size { get; }

    /// <summary>The type without values, below every other: of the elements of an empty set.</summary>
    public static CedarType Never { get; } = new SimpleType("Never");

    public static CedarType Long { get; } = new SimpleType("Long");

    public static CedarType String { get; } = new SimpleType("String");

    /// <summary>The type of the values of a kind, for those kinds that have one type only.</summary>
    public static CedarType Of(CedarKind kind) => kind switch
    {
        CedarKind.Bool => BoolType.Any,
        CedarKind.Long => Long,
        CedarKind.String => String,
        CedarKind.Decimal => ExtensionType.Decimal,
        CedarKind.DateTime => ExtensionType.DateTime,
        CedarKind.Duration => ExtensionType.Duration,
        CedarKind.Ip => ExtensionType.Ip,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "values of this kind are of many types"),
    };

    public bool Equals(CedarType? other) =>
        ReferenceEquals(this, other) || (other is not null && hash == other.hash && Depth == other.Depth && GetType() == other.GetType() && SameAs(other));

    public override bool Equals(object? obj) => Equals(obj as CedarType);

    public override int GetHashCode() => hash;

    /// <summary>As a message shows it; cut when it is long.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text);
        return text.ToString();
    }

    /// <summary>Writes the type unless <paramref name="text"/> is long already.</summary>
    internal void Write(StringBuilder text)
    {
        if (text.Length > 200) text.Append('…');
        else WriteWhole(text);
    }

    private protected abstract bool SameAs(CedarType other);

    private protected abstract void WriteWhole(StringBuilder text);

    private sealed class SimpleType(string name) : CedarType(name.GetHashCode(StringComparison.Ordinal))
    {
        private protected override bool SameAs(CedarType other) => false;

        private protected override void WriteWhole(StringBuilder text) => text.Append(name);
    }
}

/// <summary>A boolean, or one of the two when the checker knows which.</summary>
internal sealed class BoolType : CedarType
{
    private readonly bool? value;

    private BoolType(bool? value)
        : base(value is null ? 2 : value.Value ? 1 : 0) => this.value = value;

    public static BoolType Any { get; } = new((bool?)null);

    public static BoolType True { get; } = new(true);

    public static BoolType False { get; } = new(false);

    public static BoolType Of(bool value) => value ? True : False;

    private protected override bool SameAs(CedarType other) => value == ((BoolType)other).value;

    private protected override void WriteWhole(StringBuilder text) => text.Append(value switch { null => "Bool", true => "True", false => "False" });
}

/// <summary>A decimal, an instant, a length of time or an address.</summary>
internal sealed class ExtensionType : CedarType
{
    private ExtensionType(CedarKind kind)
        : base(HashCode.Combine(11, kind)) => Kind = kind;

    public static ExtensionType Decimal { get; } = new(CedarKind.Decimal);

    public static ExtensionType DateTime { get; } = new(CedarKind.DateTime);

    public static ExtensionType Duration { get; } = new(CedarKind.Duration);

    public static ExtensionType Ip { get; } = new(CedarKind.Ip);

    public CedarKind Kind { get; }

    /// <summary>The name in schemas.</summary>
    public string Name => Kind switch { CedarKind.Decimal => "decimal", CedarKind.DateTime => "datetime", CedarKind.Duration => "duration", _ => "ipaddr" };

    private protected override bool SameAs(CedarType other) => Kind == ((ExtensionType)other).Kind;

    private protected override void WriteWhole(StringBuilder text) => text.Append(Name);
}

/// <summary>A set.</summary>
/// <param name="element">The type of its elements; null for a set of whatever.</param>
internal sealed class SetType(CedarType? element) : CedarType(HashCode.Combine(13, element), (element?.Depth ?? 0) + 1, Math.Min((element?.Size ?? 0) + 1, MaxSize + 1))
{
    /// <summary>A set of whatever, above every other set.</summary>
    public static SetType Any { get; } = new(null);

    public CedarType? Element => element;

    private protected override bool SameAs(CedarType other) => Equals(element, ((SetType)other).Element);

    private protected override void WriteWhole(StringBuilder text)
    {
        text.Append("Set<");
        if (element is null) text.Append("anything");
        else element.Write(text);
        text.Append('>');
    }
}

/// <summary>An entity of one of several types, or of whatever type.</summary>
internal sealed class EntityReferenceType : CedarType
{
    private EntityReferenceType(ImmutableArray<EntityType> types)
        : base(Hash(types)) => Types = types;

    /// <summary>An entity of whatever type.</summary>
    public static EntityReferenceType Any { get; } = new([]);

    /// <summary>In ordinal order; none for an entity of whatever type.</summary>
    public ImmutableArray<EntityType> Types { get; }

    public bool IsAny => Types.IsEmpty;

    /// <summary>The type when it is known to be one, or null.</summary>
    public EntityType? Single => Types.Length == 1 ? Types[0] : null;

    public static EntityReferenceType Of(EntityType type) => new([type]);

    public bool Contains(EntityType type) => Types.Contains(type);

    public EntityReferenceType Union(EntityReferenceType other) =>
        IsAny || other.IsAny ? Any : new([.. Types.Union(other.Types).OrderBy(t => t.Name, StringComparer.Ordinal)]);

    public bool IsDisjointFrom(EntityReferenceType other) => !IsAny && !other.IsAny && !Types.Any(other.Contains);

    /// <summary>Whether every entity of this is one of the other.</summary>
    public bool IsWithin(EntityReferenceType other) => other.IsAny || (!IsAny && Types.All(other.Contains));

    private protected override bool SameAs(CedarType other) => Types.SequenceEqual(((EntityReferenceType)other).Types);

    private protected override void WriteWhole(StringBuilder text)
    {
        if (IsAny) text.Append("an entity");
        else text.AppendJoin(" or ", Types);
    }

    private static int Hash(ImmutableArray<EntityType> types)
    {
        var hash = new HashCode();
        hash.Add(17);
        foreach (var type in types) hash.Add(type.Name);
        return hash.ToHashCode();
    }
}
