using System.Collections.Immutable;
using System.Text;
using Moat.Spec;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Moat.Credentials;

/// <summary>One mapping whose keys are all known.</summary>
internal sealed class YamlReader
{
    private const int MaxBytes = 64 * 1024, MaxDepth = 8;
    private const string ProviderMend = "see docs/guides/custom-provider.md for the keys of a provider file";
    private readonly string _file, _mend;
    private readonly YamlMappingNode _mapping;
    private readonly Dictionary<string, YamlNode> _values = new(StringComparer.Ordinal);

    private YamlReader(string file, YamlMappingNode mapping, string[] known, string mend)
    {
        (_file, _mapping, _mend) = (file, mapping, mend);
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name } || Array.IndexOf(known, name) < 0)
                throw Bad(key, $"unknown key{(key is YamlScalarNode s ? $" \"{GrantNames.Printable(s.Value ?? "")}\"" : "")}; the keys here are {string.Join(", ", known)}");
            _values[name] = value;
        }
    }

    /// <summary>The one mapping that a file holds.</summary>
    internal static YamlReader Open(string file, ReadOnlySpan<byte> utf8, string[] known, string mend = ProviderMend) => new(file, ReadDocument(file, utf8, mend), known, mend);

    internal bool Has(string key) => _values.ContainsKey(key);

    internal MoatException Bad(YamlNode node, string problem) => new($"{_file}:{node.Start.Line}:{node.Start.Column}: {problem}", _mend);

    internal MoatException Bad(string key, string problem) => Bad(_values[key], problem);

    internal MoatException Missing(string key) => Bad(_mapping, $"{key} is missing or empty");

    internal YamlScalarNode? Scalar(string key)
        => !_values.TryGetValue(key, out var node) ? null
            : node is YamlScalarNode { Value: not null } scalar ? scalar : throw Bad(node, $"{key} is a text");

    internal YamlScalarNode Required(string key) => Scalar(key) is { Value.Length: > 0 } scalar ? scalar : throw Missing(key);

    internal string Text(string key)
    {
        var scalar = Scalar(key);
        return scalar is null || scalar.Value!.All(c => !char.IsControl(c)) ? scalar?.Value ?? "" : throw Bad(scalar, $"{key} is one line of text");
    }

    internal YamlReader? Mapping(string key, string[] known)
        => !_values.TryGetValue(key, out var node) ? null
            : node is YamlMappingNode mapping ? new YamlReader(_file, mapping, known, _mend) : throw Bad(node, $"{key} is a mapping");

    /// <summary>A list of mappings, each with the same known keys.</summary>
    internal IReadOnlyList<YamlReader> Mappings(string key, string[] known)
    {
        if (!_values.TryGetValue(key, out var node)) return [];
        if (node is not YamlSequenceNode sequence) throw Bad(node, $"{key} is a list of mappings");
        return [.. sequence.Children.Select(item => item is YamlMappingNode mapping ? new YamlReader(_file, mapping, known, _mend) : throw Bad(item, $"{key} is a list of mappings"))];
    }

    internal IReadOnlyList<YamlScalarNode> Items(string key)
    {
        if (!_values.TryGetValue(key, out var node)) return [];
        if (node is YamlScalarNode { Value.Length: > 0 } one) return [one];
        if (node is not YamlSequenceNode sequence) throw Bad(node, $"{key} is a list of texts");
        return [.. sequence.Children.Select(item => item is YamlScalarNode { Value.Length: > 0 } s ? s : throw Bad(item, $"{key} is a list of texts"))];
    }

    internal ImmutableArray<string> List(string key, Func<string, bool> valid, string what)
        => [.. Items(key).Select(item => valid(item.Value!) ? item.Value! : throw Bad(item, $"\"{GrantNames.Printable(item.Value!)}\" is not {what}"))];

    private static YamlMappingNode ReadDocument(string file, ReadOnlySpan<byte> utf8, string mend)
    {
        if (utf8.Length > MaxBytes) throw new MoatException($"{file}: the file has at most {MaxBytes / 1024} KiB", mend);
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);
            CheckDepth(file, text, mend);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode mapping) return mapping;
        }
        catch (DecoderFallbackException)
        {
            throw new MoatException($"{file}: the file is not UTF-8", mend);
        }
        catch (YamlException ex)
        {
            throw new MoatException($"{file}:{ex.Start.Line}:{ex.Start.Column}: {ex.Message}", mend);
        }
        catch (Exception ex) when (ex is InvalidOperationException or ArgumentException or FormatException)
        {
            // YamlDotNet throws these too for some malformed flow lists and escapes; they carry no place.
            throw new MoatException($"{file}: the file is not YAML", mend);
        }
        throw new MoatException($"{file}:1:1: the file holds one mapping", mend);
    }

    // The node model recurses; the event parser does not. Deep nesting must be an error, not a stack overflow.
    private static void CheckDepth(string file, string text, string mend)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            var mark = parser.Current!.Start;
            if (parser.Current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
                throw new MoatException($"{file}:{mark.Line}:{mark.Column}: anchors and aliases are not used here", mend);
            depth += parser.Current.NestingIncrease;
            if (depth > MaxDepth) throw new MoatException($"{file}:{mark.Line}:{mark.Column}: nested too deeply", mend);
        }
    }
}
