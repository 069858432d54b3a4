namespace Moat.Cedar;

/// <summary>A record: values by name. The attributes of an entity, its tags and the context of a request are records too.</summary>
public sealed class CedarRecord : IEquatable<CedarRecord>
{
    private readonly string[] names;
    private readonly CedarValue[] values;
    private readonly int hash;

    private CedarRecord(string[] names, CedarValue[] values)
    {
        this.names = names;
        this.values = values;
        for (var i = 0; i < names.Length; i++) hash = unchecked(hash + HashCode.Combine(names[i], values[i]));
    }

    /// <summary>The record of nothing.</summary>
    public static CedarRecord Empty { get; } = new([], []);

    /// <summary>The number of fields.</summary>
    public int Count => names.Length;

    /// <summary>The names in ordinal order.</summary>
    public ReadOnlySpan<string> Names => names;

    /// <summary>The values in the order of <see cref="Names"/>.</summary>
    public ReadOnlySpan<CedarValue> Values => values;

    /// <summary>The fields in ordinal order of their names.</summary>
    public IEnumerable<KeyValuePair<string, CedarValue>> Fields => names.Zip(values, static (name, value) => KeyValuePair.Create(name, value));

    /// <summary>A record of the fields.</summary>
    /// <exception cref="ArgumentException">A name is given twice.</exception>
    public static CedarRecord Create(params IEnumerable<KeyValuePair<string, CedarValue>> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        KeyValuePair<string, CedarValue>[] sorted = [.. fields];
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        if (sorted.Length == 0) return Empty;
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Key == sorted[i - 1].Key) throw new ArgumentException($"the field {sorted[i].Key} is given twice", nameof(fields));
        }

        return new CedarRecord(Array.ConvertAll(sorted, f => f.Key), Array.ConvertAll(sorted, f => f.Value));
    }

    /// <summary>The field of that name, when there is one.</summary>
    public bool TryGetValue(string name, out CedarValue value)
    {
        var index = IndexOf(name);
        value = index < 0 ? default : values[index];
        return index >= 0;
    }

    /// <summary>Whether there is a field of that name.</summary>
    public bool ContainsKey(string name) => IndexOf(name) >= 0;

    /// <inheritdoc/>
    public bool Equals(CedarRecord? other) => ReferenceEquals(this, other)
        || (other is not null && hash == other.hash && names.AsSpan().SequenceEqual(other.names) && values.AsSpan().SequenceEqual(other.values));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CedarRecord);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    private int IndexOf(string name)
    {
        int low = 0, high = names.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = string.CompareOrdinal(names[middle], name);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return -1;
    }
}
