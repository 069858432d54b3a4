using System.Collections.Immutable;
using System.Text;
using Moat.Spec;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Moat.Credentials;

/// <summary>
/// Reads a provider from YAML, strictly: an unknown key, a wrong type or a bad value is an error with file, line and
/// column. Nothing has a meaning that is guessed.
/// </summary>
internal static class ProviderYaml
{
    private const int MaxBytes = 64 * 1024, MaxDepth = 8;
    private const string Mend = "see docs/guides/custom-provider.md for the keys of a provider file";
    private static readonly string[] s_keys = ["name", "description", "aliases", "hosts", "inject", "source_env", "container_env", "validate", "prompt", "placeholder"];

    internal static ProviderDefinition Parse(string file, ReadOnlySpan<byte> utf8, ProviderOrigin origin)
    {
        var root = new Reader(file, ReadDocument(file, utf8), s_keys);
        var name = root.Required("name");
        if (!GrantNames.IsName(name.Value!)) throw root.Bad(name, $"\"{GrantNames.Printable(name.Value!)}\" is not a provider name (lower-case letters, digits, - _ . :)");
        var bindings = ReadBindings(root);
        return new ProviderDefinition
        {
            Name = name.Value!,
            Description = root.Text("description"),
            Origin = origin,
            Aliases = root.List("aliases", GrantNames.IsName, "a name of lower-case letters, digits, - _ . :"),
            Bindings = bindings,
            SourceEnv = root.List("source_env", IsVariable, "a name of an environment variable"),
            ContainerEnv = root.List("container_env", IsVariable, "a name of an environment variable"),
            Validation = ReadValidation(root, bindings),
            Prompt = root.Text("prompt"),
            Placeholder = ReadPlaceholder(root),
        };
    }

    private static ImmutableArray<InjectionBinding> ReadBindings(Reader root)
    {
        var inject = root.Mapping("inject", ["header", "prefix", "format", "user"]) ?? throw root.Missing("inject");
        var format = inject.Scalar("format");
        var (header, prefix, user) = (inject.Scalar("header"), inject.Scalar("prefix"), inject.Scalar("user"));
        if (format is not null && format.Value is not ("header" or "basic" or "path")) throw inject.Bad(format, "format is header, basic or path");
        if (format?.Value != "basic" && user is not null) throw inject.Bad(user, "user belongs to format: basic");
        if (format?.Value is "basic" or "path" && prefix is not null) throw inject.Bad(prefix, $"prefix does not belong to format: {format.Value}");
        if (format?.Value is "basic" or "path" && header is not null) throw inject.Bad(header, $"header does not belong to format: {format.Value}");
        if (prefix is not null && !IsHeaderText(prefix.Value!)) throw inject.Bad(prefix, "prefix may hold visible ASCII and spaces");
        var (kind, name, argument) = format?.Value switch
        {
            "path" => (InjectionFormat.Path, "", ""),
            "basic" => (InjectionFormat.Basic, "Authorization", (user ?? throw inject.Missing("user")).Value!),
            _ => (string.IsNullOrEmpty(prefix?.Value) ? InjectionFormat.Raw : InjectionFormat.Prefix, HeaderName(inject, "header"), prefix?.Value ?? ""),
        };
        if (user is not null && (!IsHeaderText(argument) || argument.Contains(':', StringComparison.Ordinal))) throw inject.Bad(user, "user may hold visible ASCII without a colon");

        var hosts = root.Items("hosts");
        if (hosts.Count == 0) throw root.Missing("hosts");
        var bindings = ImmutableArray.CreateBuilder<InjectionBinding>(hosts.Count);
        foreach (var host in hosts)
        {
            if (!HostPattern.TryParse(host.Value!, out var pattern, out var error)) throw root.Bad(host, error);
            bindings.Add(new InjectionBinding(pattern.Host, name, kind, argument, pattern.Port));
        }
        return bindings.MoveToImmutable();
    }

    private static ProviderValidation? ReadValidation(Reader root, ImmutableArray<InjectionBinding> bindings)
    {
        if (root.Mapping("validate", ["url", "method", "header", "prefix"]) is not { } validate) return null;
        var url = validate.Required("url");
        var sample = url.Value!.Replace("${token}", "token", StringComparison.Ordinal);
        if (!Uri.TryCreate(sample, UriKind.Absolute, out var uri) || uri.UserInfo.Length > 0
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
        {
            throw validate.Bad(url, "url is an https:// address (http:// is for a loopback address)");
        }
        // The credential goes to its own hosts and nowhere else, not even to be checked.
        var host = uri.IdnHost.Trim('[', ']');
        if (!bindings.Any(binding => HostPattern.Matches(binding.Host, host) && (binding.Port ?? 443) == uri.Port))
            throw validate.Bad(url, $"url names {uri.Authority}, which is not one of hosts");
        var method = validate.Scalar("method");
        if (method is not null && method.Value is not ("GET" or "HEAD" or "POST")) throw validate.Bad(method, "method is GET, HEAD or POST");
        var prefix = validate.Scalar("prefix");
        if (prefix is not null && !IsHeaderText(prefix.Value!)) throw validate.Bad(prefix, "prefix may hold visible ASCII and spaces");
        var first = bindings[0];
        var header = validate.Scalar("header") is null ? null : HeaderName(validate, "header");
        if (header is null && first.Format == InjectionFormat.Basic) throw validate.Bad(url, "format: basic needs validate.header and validate.prefix, or no validate");
        // Without a header of its own the check is made as the gateway would make the request.
        return new ProviderValidation(url.Value!, method?.Value ?? "GET", header ?? first.Header, prefix?.Value ?? (header is null ? first.Argument : ""), []);
    }

    private static PlaceholderTemplate ReadPlaceholder(Reader root)
    {
        if (root.Scalar("placeholder") is not { } node) return PlaceholderTemplate.Default;
        return PlaceholderTemplate.TryParse(node.Value!, out var template, out var error) ? template : throw root.Bad(node, error);
    }

    private static string HeaderName(Reader reader, string key)
    {
        var node = reader.Required(key);
        // RFC 9110 section 5.6.2 (token); the hop-by-hop and framing headers are the gateway's own.
        if (node.Value!.Any(c => !char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)))
            throw reader.Bad(node, $"\"{GrantNames.Printable(node.Value!)}\" is not a header name");
        if (node.Value!.ToLowerInvariant() is "host" or "content-length" or "transfer-encoding" or "connection" or "upgrade" or "te" or "trailer" or "expect" or "keep-alive" or "proxy-connection")
            throw reader.Bad(node, $"{node.Value} frames the request; a credential cannot go there");
        return node.Value!;
    }

    private static bool IsHeaderText(string text) => text.All(c => c is >= ' ' and <= '~');

    private static bool IsVariable(string text)
        => text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static YamlMappingNode ReadDocument(string file, ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes) throw new MoatException($"{file}: a provider file has at most {MaxBytes / 1024} KiB", Mend);
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);
            CheckDepth(file, text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode mapping) return mapping;
        }
        catch (DecoderFallbackException)
        {
            throw new MoatException($"{file}: the file is not UTF-8", Mend);
        }
        catch (YamlException ex)
        {
            throw new MoatException($"{file}:{ex.Start.Line}:{ex.Start.Column}: {ex.Message}", Mend);
        }
        catch (Exception ex) when (ex is InvalidOperationException or ArgumentException or FormatException)
        {
            // YamlDotNet throws these too for some malformed flow lists and escapes; they carry no place.
            throw new MoatException($"{file}: the file is not YAML", Mend);
        }
        throw new MoatException($"{file}:1:1: a provider file holds one mapping (name, hosts, inject …)", Mend);
    }

    // The node model recurses; the event parser does not. Deep nesting must be an error, not a stack overflow.
    private static void CheckDepth(string file, string text)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            var mark = parser.Current!.Start;
            if (parser.Current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
                throw new MoatException($"{file}:{mark.Line}:{mark.Column}: anchors and aliases are not used in a provider file", Mend);
            depth += parser.Current.NestingIncrease;
            if (depth > MaxDepth) throw new MoatException($"{file}:{mark.Line}:{mark.Column}: nested too deeply", Mend);
        }
    }

    /// <summary>One mapping whose keys are all known.</summary>
    private sealed class Reader
    {
        private readonly string _file;
        private readonly YamlMappingNode _mapping;
        private readonly Dictionary<string, YamlNode> _values = new(StringComparer.Ordinal);

        internal Reader(string file, YamlMappingNode mapping, string[] known)
        {
            (_file, _mapping) = (file, mapping);
            foreach (var (key, value) in mapping.Children)
            {
                if (key is not YamlScalarNode { Value: { } name } || Array.IndexOf(known, name) < 0)
                    throw Bad(key, $"unknown key{(key is YamlScalarNode s ? $" \"{GrantNames.Printable(s.Value ?? "")}\"" : "")}; the keys here are {string.Join(", ", known)}");
                _values[name] = value;
            }
        }

        internal MoatException Bad(YamlNode node, string problem) => new($"{_file}:{node.Start.Line}:{node.Start.Column}: {problem}", Mend);

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

        internal Reader? Mapping(string key, string[] known)
            => !_values.TryGetValue(key, out var node) ? null
                : node is YamlMappingNode mapping ? new Reader(_file, mapping, known) : throw Bad(node, $"{key} is a mapping");

        internal IReadOnlyList<YamlScalarNode> Items(string key)
        {
            if (!_values.TryGetValue(key, out var node)) return [];
            if (node is YamlScalarNode { Value.Length: > 0 } one) return [one];
            if (node is not YamlSequenceNode sequence) throw Bad(node, $"{key} is a list of texts");
            return [.. sequence.Children.Select(item => item is YamlScalarNode { Value.Length: > 0 } s ? s : throw Bad(item, $"{key} is a list of texts"))];
        }

        internal ImmutableArray<string> List(string key, Func<string, bool> valid, string what)
            => [.. Items(key).Select(item => valid(item.Value!) ? item.Value! : throw Bad(item, $"\"{GrantNames.Printable(item.Value!)}\" is not {what}"))];
    }
}
