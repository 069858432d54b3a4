namespace Moat.Cedar;

/// <summary>
/// A value: one of the ten kinds. Two values are equal when they are of one kind and equal in it; sets by their members,
/// records by their fields. <c>default</c> is <c>false</c>.
/// </summary>
public readonly struct CedarValue : IEquatable<CedarValue>
{
    // An inline kind keeps its number in bits and a marker in reference; the others keep their object in reference and their
    // kind in bits. So the struct is two words, passed in registers, and nothing is boxed.
    private readonly object? reference;
    private readonly long bits;

    private CedarValue(object? reference, long bits)
    {
        this.reference = reference;
        this.bits = bits;
    }

    private CedarValue(object reference, CedarKind kind)
        : this(reference, (long)kind)
    {
    }

    /// <summary>What the value is.</summary>
    public CedarKind Kind => reference switch
    {
        null => CedarKind.Bool,
        InlineKind inline => inline.Kind,
        _ => (CedarKind)bits,
    };

    /// <summary>A boolean.</summary>
    public static CedarValue Bool(bool value) => new(null, value ? 1 : 0);

    /// <summary>An integer.</summary>
    public static CedarValue Long(long value) => new(InlineKind.Long, value);

    /// <summary>A text.</summary>
    public static CedarValue String(string value) => new(value ?? throw new ArgumentNullException(nameof(value)), CedarKind.String);

    /// <summary>An entity's identity.</summary>
    public static CedarValue Entity(EntityUid value) => new(value ?? throw new ArgumentNullException(nameof(value)), CedarKind.Entity);

    /// <summary>A set.</summary>
    public static CedarValue Set(CedarSet value) => new(value ?? throw new ArgumentNullException(nameof(value)), CedarKind.Set);

    /// <summary>A record.</summary>
    public static CedarValue Record(CedarRecord value) => new(value ?? throw new ArgumentNullException(nameof(value)), CedarKind.Record);

    /// <summary>A decimal.</summary>
    /// <param name="tenThousandths">The number times 10,000.</param>
    public static CedarValue Decimal(long tenThousandths) => new(InlineKind.Decimal, tenThousandths);

    /// <summary>An instant.</summary>
    /// <param name="milliseconds">Since 1970-01-01T00:00:00Z, without leap seconds.</param>
    public static CedarValue DateTime(long milliseconds) => new(InlineKind.DateTime, milliseconds);

    /// <summary>A length of time.</summary>
    /// <param name="milliseconds">Negative for a time that goes back.</param>
    public static CedarValue Duration(long milliseconds) => new(InlineKind.Duration, milliseconds);

    /// <summary>An address or a range of them.</summary>
    public static CedarValue Ip(CedarIp value) => new(value ?? throw new ArgumentNullException(nameof(value)), CedarKind.Ip);

    /// <summary>The boolean, when it is one.</summary>
    public bool TryGetBool(out bool value)
    {
        value = bits != 0;
        return reference is null;
    }

    /// <summary>The integer, when it is one.</summary>
    public bool TryGetLong(out long value)
    {
        value = bits;
        return ReferenceEquals(reference, InlineKind.Long);
    }

    /// <summary>The number behind a decimal (ten-thousandths), an instant or a length of time (milliseconds); false for another kind.</summary>
    public bool TryGetScaled(CedarKind kind, out long value)
    {
        value = bits;
        return reference is InlineKind inline && inline.Kind == kind && kind != CedarKind.Long;
    }

    /// <summary>The text, or null when it is of another kind.</summary>
    public string? AsString() => reference as string;

    /// <summary>The entity's identity, or null when it is of another kind.</summary>
    public EntityUid? AsEntity() => reference as EntityUid;

    /// <summary>The set, or null when it is of another kind.</summary>
    public CedarSet? AsSet() => reference as CedarSet;

    /// <summary>The record, or null when it is of another kind.</summary>
    public CedarRecord? AsRecord() => reference as CedarRecord;

    /// <summary>The address, or null when it is of another kind.</summary>
    public CedarIp? AsIp() => reference as CedarIp;

    /// <inheritdoc/>
    public bool Equals(CedarValue other)
    {
        if (bits != other.bits) return false;
        if (ReferenceEquals(reference, other.reference)) return true;
        return reference switch
        {
            string text => other.reference is string otherText && text == otherText,
            EntityUid uid => uid.Equals(other.reference as EntityUid),
            CedarSet set => set.Equals(other.reference as CedarSet),
            CedarRecord record => record.Equals(other.reference as CedarRecord),
            CedarIp ip => ip.Equals(other.reference as CedarIp),
            _ => false,
        };
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CedarValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(reference?.GetHashCode() ?? 0, bits);

    /// <summary>Whether they are equal.</summary>
    public static bool operator ==(CedarValue left, CedarValue right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(CedarValue left, CedarValue right) => !left.Equals(right);

    /// <summary>The value as an expression of Cedar.</summary>
    public override string ToString() => ValueText.Write(this);

    private sealed class InlineKind(CedarKind kind)
    {
        public static readonly InlineKind Long = new(CedarKind.Long);
        public static readonly InlineKind Decimal = new(CedarKind.Decimal);
        public static readonly InlineKind DateTime = new(CedarKind.DateTime);
        public static readonly InlineKind Duration = new(CedarKind.Duration);

        public CedarKind Kind => kind;

        public override int GetHashCode() => (int)kind + 1;

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);
    }
}
