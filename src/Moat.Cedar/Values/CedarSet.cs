using System.Collections;

namespace Moat.Cedar;

/// <summary>A set: values without order, each once, of whatever kinds.</summary>
public sealed class CedarSet : IEquatable<CedarSet>, IReadOnlyCollection<CedarValue>
{
    // Up to here a walk is as fast as a hash, and costs no table.
    private const int WalkLimit = 8;
    private readonly CedarValue[] elements;
    private readonly HashSet<CedarValue>? table;
    private readonly int hash;

    private CedarSet(CedarValue[] elements, HashSet<CedarValue>? table)
    {
        this.elements = elements;
        this.table = table;
        foreach (var element in elements) hash = unchecked(hash + element.GetHashCode());
    }

    /// <summary>The set of nothing.</summary>
    public static CedarSet Empty { get; } = new([], null);

    /// <summary>The number of members.</summary>
    public int Count => elements.Length;

    /// <summary>The members, in the order in which they were first given.</summary>
    public ReadOnlySpan<CedarValue> Elements => elements;

    /// <summary>A set of the values; one given twice counts once.</summary>
    public static CedarSet Create(params IEnumerable<CedarValue> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var distinct = new HashSet<CedarValue>();
        var ordered = new List<CedarValue>();
        foreach (var value in values)
        {
            if (distinct.Add(value)) ordered.Add(value);
        }

        return ordered.Count == 0 ? Empty : new CedarSet([.. ordered], ordered.Count > WalkLimit ? distinct : null);
    }

    /// <summary>Whether the value is a member.</summary>
    public bool Contains(CedarValue value) => table is not null ? table.Contains(value) : elements.AsSpan().Contains(value);

    /// <summary>Whether every member of the other is one of this.</summary>
    public bool ContainsAll(CedarSet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Count > Count) return false;
        foreach (var element in other.elements)
        {
            if (!Contains(element)) return false;
        }

        return true;
    }

    /// <summary>Whether a member of the other is one of this.</summary>
    public bool ContainsAny(CedarSet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var (few, many) = other.Count < Count ? (other, this) : (this, other);
        foreach (var element in few.elements)
        {
            if (many.Contains(element)) return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Equals(CedarSet? other) =>
        ReferenceEquals(this, other) || (other is not null && hash == other.hash && Count == other.Count && ContainsAll(other));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CedarSet);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    /// <inheritdoc/>
    public IEnumerator<CedarValue> GetEnumerator() => ((IEnumerable<CedarValue>)elements).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => elements.GetEnumerator();
}
