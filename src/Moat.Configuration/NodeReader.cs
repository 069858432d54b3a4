using System.Collections.Immutable;
using System.Globalization;

namespace Moat.Configuration;

/// <summary>Typed reads of nodes. Each fault is added to the list and reading goes on, so that a person sees all at once.</summary>
internal sealed class NodeReader(ErrorList errors)
{
    public ErrorList Errors { get; } = errors;

    /// <summary>The name and line of the file, as rules and mounts show where they came from.</summary>
    public string Origin(Node node) => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(Errors.File)}:{node.Line}");

    public void Bad(Node at, string problem, string mend) => Errors.Add(at, problem, mend);

    /// <summary>The entries of a mapping without duplicates; unknown keys are reported with the nearest known one.</summary>
    public IEnumerable<(ScalarNode Key, Node Value)> Fields(Node node, string where, IReadOnlyCollection<string> known)
    {
        foreach (var (key, value) in Entries(node, where))
        {
            if (known.Contains(key.Value))
            {
                yield return (key, value);
                continue;
            }
            var place = where.Length == 0 ? "a key of the file" : "a key of " + where;
            var near = Text.Nearest(key.Value, known);
            Bad(key, $"{Text.Quoted(key.Value)} is not {place}", near is null ? $"expected one of {string.Join(", ", known)}" : $"did you mean \"{near}\"?");
        }
    }

    /// <summary>The entries of a mapping with free keys; the later of two equal keys is reported and left out.</summary>
    public IEnumerable<(ScalarNode Key, Node Value)> Entries(Node node, string where)
    {
        if (node is not MappingNode mapping)
        {
            Wrong(node, where.Length == 0 ? "the file" : where, "a mapping (key: value)");
            yield break;
        }
        var first = new Dictionary<string, ScalarNode>(StringComparer.Ordinal);
        foreach (var (key, value) in mapping.Entries)
        {
            if (first.TryGetValue(key.Value, out var earlier))
                Bad(key, string.Create(CultureInfo.InvariantCulture, $"{Text.Quoted(key.Value)} is already given in line {earlier.Line}"), "remove one of them");
            else
            {
                first.Add(key.Value, key);
                yield return (key, value);
            }
        }
    }

    public ImmutableArray<Node> Items(Node node, string where)
    {
        if (node is SequenceNode sequence) return sequence.Items;
        Wrong(node, where, "a list");
        return [];
    }

    /// <summary>A text; numbers and booleans are taken as they are written. Null (reported) for anything else.</summary>
    public string? String(Node node, string where)
    {
        if (node is ScalarNode { IsNull: false } scalar && !scalar.Value.Contains('\0', StringComparison.Ordinal)) return scalar.Value;
        Wrong(node, where, "a text");
        return null;
    }

    public bool? Bool(Node node, string where)
    {
        switch (node)
        {
            case ScalarNode { Plain: true, Value: "true" or "True" or "TRUE" }: return true;
            case ScalarNode { Plain: true, Value: "false" or "False" or "FALSE" }: return false;
            default:
                Wrong(node, where, "true or false");
                return null;
        }
    }

    public long? Integer(Node node, string where, long min, long max)
    {
        if (node is ScalarNode { Plain: true } scalar && long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Wrong(node, where, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"));
        return null;
    }

    public double? Number(Node node, string where, double min, double max)
    {
        if (node is ScalarNode { Plain: true } scalar && double.TryParse(scalar.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Wrong(node, where, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
        return null;
    }

    public void Wrong(Node node, string where, string expected)
    {
        // A value is shown for plain words only; a text may be a secret in the wrong place.
        var what = node is ScalarNode { IsNull: false } ? "has a value that does not fit" : $"is {node.Kind}";
        Bad(node, $"{where} {what}", $"expected {expected}");
    }
}
