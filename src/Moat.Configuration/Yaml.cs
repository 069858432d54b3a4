using System.Collections.Immutable;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Moat.Configuration;

/// <summary>A YAML node with its place, counted from 1.</summary>
internal abstract record Node(int Line, int Column)
{
    /// <summary>What it is, for an error's text.</summary>
    public abstract string Kind { get; }
}

internal sealed record ScalarNode(int Line, int Column, string Value, bool Plain) : Node(Line, Column)
{
    public bool IsNull => Plain && Value is "" or "~" or "null" or "Null" or "NULL";

    public override string Kind => IsNull ? "nothing" : "a text";
}

internal sealed record SequenceNode(int Line, int Column, ImmutableArray<Node> Items) : Node(Line, Column)
{
    public override string Kind => "a list";
}

internal sealed record MappingNode(int Line, int Column, ImmutableArray<(ScalarNode Key, Node Value)> Entries) : Node(Line, Column)
{
    public override string Kind => "a mapping";
}

/// <summary>
/// Reads one YAML document into nodes by the event parser alone: bounded in depth, without anchors, aliases and tags,
/// and with every duplicate key still in place for the caller to report.
/// </summary>
internal static class Yaml
{
    private const int MaxDepth = 32;

    /// <summary>The root, or null with one error in <paramref name="errors"/>; an empty document is an empty mapping.</summary>
    public static Node? Read(ReadOnlySpan<byte> utf8, ErrorList errors)
    {
        if (utf8.Length > ConfigurationLoader.MaxBytes)
        {
            errors.Add(1, 1, $"the file is larger than {ConfigurationLoader.MaxBytes / 1024} KiB", "make it smaller");
            return null;
        }
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);
            return new Builder(errors).Build(new Parser(new StringReader(text)));
        }
        catch (DecoderFallbackException)
        {
            errors.Add(1, 1, "the file is not UTF-8", "save it as UTF-8");
        }
        catch (YamlException ex)
        {
            errors.Add(Place(ex.Start.Line), Place(ex.Start.Column), "the file is not YAML: " + Reason(ex.Message), "");
        }
        catch (Exception ex) when (ex is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            // The parser throws these too for some malformed flow lists and escapes; they carry no place.
            errors.Add(1, 1, "the file is not YAML", "check its brackets, quotes and escapes");
        }
        return null;
    }

    private static int Place(long value) => (int)Math.Clamp(value, 1, int.MaxValue);

    // The parser's own words may begin with the place again.
    private static string Reason(string message)
    {
        var end = message.LastIndexOf("): ", StringComparison.Ordinal);
        return Text.Printable(end < 0 ? message : message[(end + 3)..]);
    }

    private sealed class Builder(ErrorList errors)
    {
        private readonly Stack<Open> _open = new();
        private Node? _root;
        private bool _failed;

        private sealed record Open(int Line, int Column, bool IsMapping)
        {
            public List<Node> Items { get; } = [];
        }

        public Node? Build(Parser parser)
        {
            var documents = 0;
            while (!_failed && parser.MoveNext())
            {
                var at = parser.Current!;
                int line = Place(at.Start.Line), column = Place(at.Start.Column);
                switch (at)
                {
                    case DocumentStart when ++documents > 1:
                        Fail(line, column, "a second document starts here", "keep one document in the file");
                        break;
                    case AnchorAlias:
                    case NodeEvent { Anchor.IsEmpty: false }:
                        Fail(line, column, "anchors and aliases are not read", "write the value out");
                        break;
                    case NodeEvent { Tag.IsEmpty: false }:
                        Fail(line, column, "tags are not read", "remove the !tag");
                        break;
                    case Scalar scalar:
                        Put(new ScalarNode(line, column, scalar.Value, scalar.Style == ScalarStyle.Plain));
                        break;
                    case SequenceStart or MappingStart:
                        if (_open.Count >= MaxDepth) Fail(line, column, "nested too deeply", $"use at most {MaxDepth} levels");
                        _open.Push(new Open(line, column, at is MappingStart));
                        break;
                    case SequenceEnd or MappingEnd:
                        Close(_open.Pop());
                        break;
                }
            }
            if (_failed) return null;
            return _root is null or ScalarNode { IsNull: true } ? new MappingNode(1, 1, []) : _root;
        }

        private void Close(Open open)
        {
            if (!open.IsMapping)
            {
                Put(new SequenceNode(open.Line, open.Column, [.. open.Items]));
                return;
            }
            var entries = ImmutableArray.CreateBuilder<(ScalarNode, Node)>(open.Items.Count / 2);
            for (var i = 0; i + 1 < open.Items.Count; i += 2)
            {
                if (open.Items[i] is ScalarNode key) entries.Add((key, open.Items[i + 1]));
                else errors.Add(open.Items[i], $"a key is {open.Items[i].Kind}", "a key is a word");
            }
            Put(new MappingNode(open.Line, open.Column, entries.ToImmutable()));
        }

        private void Put(Node node)
        {
            if (_open.TryPeek(out var parent)) parent.Items.Add(node);
            else _root = node;
        }

        private void Fail(int line, int column, string problem, string mend)
        {
            errors.Add(line, column, problem, mend);
            _failed = true;
        }
    }
}
