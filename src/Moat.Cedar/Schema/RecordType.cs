using System.Collections.Immutable;
using System.Text;

namespace Moat.Cedar;

/// <summary>An attribute of a <see cref="RecordType"/>.</summary>
internal readonly record struct AttributeType(CedarType Type, bool IsRequired);

/// <summary>A record.</summary>
internal sealed class RecordType : CedarType
{
    private RecordType(ImmutableSortedDictionary<string, AttributeType> attributes, bool isOpen)
        : base(Hash(attributes, isOpen), 1 + attributes.Values.Select(a => a.Type.Depth).DefaultIfEmpty().Max(), SizeOf(attributes))
    {
        Attributes = attributes;
        IsOpen = isOpen;
    }

    /// <summary>The record of nothing.</summary>
    public static RecordType Empty { get; } = Of([], isOpen: false);

    /// <summary>A record of whatever.</summary>
    public static RecordType Any { get; } = Of([], isOpen: true);

    /// <summary>By name, in ordinal order.</summary>
    public ImmutableSortedDictionary<string, AttributeType> Attributes { get; }

    /// <summary>Whether there may be attributes that are not listed: of the upper bound of records that differ in their attributes.</summary>
    public bool IsOpen { get; }

    public static RecordType Of(IEnumerable<KeyValuePair<string, AttributeType>> attributes, bool isOpen = false) =>
        new(attributes.ToImmutableSortedDictionary(StringComparer.Ordinal), isOpen);

    public bool HasSameNames(RecordType other) => Attributes.Count == other.Attributes.Count && Attributes.Keys.All(other.Attributes.ContainsKey);

    private protected override bool SameAs(CedarType other) => other is RecordType record && IsOpen == record.IsOpen
        && Attributes.Count == record.Attributes.Count && Attributes.SequenceEqual(record.Attributes);

    private protected override void WriteWhole(StringBuilder text)
    {
        text.Append('{');
        var first = true;
        foreach (var (name, attribute) in Attributes)
        {
            if (text.Length > 200) break;
            if (!first) text.Append(", ");
            first = false;
            text.Append(CedarName.IsIdentifier(name) ? name : CedarString.Quote(name)).Append(attribute.IsRequired ? ": " : "?: ");
            attribute.Type.Write(text);
        }

        if (IsOpen) text.Append(first ? "…" : ", …");
        text.Append('}');
    }

    private static int SizeOf(ImmutableSortedDictionary<string, AttributeType> attributes) =>
        (int)Math.Min(attributes.Values.Sum(a => (long)a.Type.Size) + 1, MaxSize + 1);

    private static int Hash(ImmutableSortedDictionary<string, AttributeType> attributes, bool isOpen)
    {
        var hash = new HashCode();
        hash.Add(isOpen);
        foreach (var (name, attribute) in attributes)
        {
            hash.Add(name);
            hash.Add(attribute.Type);
            hash.Add(attribute.IsRequired);
        }

        return hash.ToHashCode();
    }
}
