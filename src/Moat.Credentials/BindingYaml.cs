using System.Collections.Immutable;
using YamlDotNet.RepresentationModel;

namespace Moat.Credentials;

/// <summary>
/// The bindings of a provider file: <c>bindings:</c> with a slot for each place, or the short form <c>hosts:</c> and
/// <c>inject:</c>, which is one header (or Basic, or the path) for every host.
/// </summary>
internal static class BindingYaml
{
    private static readonly string[] s_keys = ["hosts", "scheme", "method", "path", "slot", "name", "prefix", "user", "password"];

    internal static ImmutableArray<InjectionBinding> Read(YamlReader root)
    {
        if (!root.Has("bindings")) return ReadShort(root);
        if (root.Has("hosts")) throw root.Bad(root.Items("hosts")[0], "bindings name their hosts themselves; hosts belongs to inject");
        if (root.Has("inject")) throw root.Bad("inject", "a file has bindings or inject, not both");
        var entries = root.Mappings("bindings", s_keys);
        if (entries.Count == 0) throw root.Missing("bindings");
        return [.. entries.SelectMany(Entry)];
    }

    private static IEnumerable<InjectionBinding> Entry(YamlReader entry)
    {
        var (slot, name, argument) = Slot(entry);
        var scheme = entry.Scalar("scheme")?.Value ?? "https";
        if (scheme is not ("https" or "http")) throw entry.Bad("scheme", "scheme is https or http");
        var method = entry.Scalar("method")?.Value ?? "*";
        if (method != "*" && (method.Length == 0 || !method.All(c => char.IsAsciiLetterUpper(c) || c is '-' or '_'))) throw entry.Bad("method", "method is * or one in upper case, such as POST");
        var path = entry.Scalar("path")?.Value ?? InjectionBinding.AnyPath;
        if (GrantScope.PathProblem(path) is { } problem) throw entry.Bad("path", problem);
        var hosts = Hosts(entry);
        if (scheme == "http" && hosts.Any(host => host.Port is null)) throw entry.Bad("hosts", "cleartext has no port of its own: write host:port, and know that everyone on the way reads the credential");
        return hosts.Select(host => new InjectionBinding(host.Host, name, slot, argument, host.Port) { Scheme = scheme, Method = method, Path = path });
    }

    private static (InjectionSlot Slot, string Name, string Argument) Slot(YamlReader entry)
    {
        var slot = entry.Required("slot");
        var kind = slot.Value switch
        {
            "header" => InjectionSlot.Header,
            "basic-user" => InjectionSlot.BasicUser,
            "basic-password" => InjectionSlot.BasicPassword,
            "query" => InjectionSlot.Query,
            "path" => InjectionSlot.Path,
            "cookie" => InjectionSlot.Cookie,
            "json" => InjectionSlot.JsonField,
            "form" => InjectionSlot.FormField,
            _ => throw entry.Bad(slot, "slot is header, basic-user, basic-password, query, path, cookie, json or form"),
        };
        Only(entry, "prefix", slot, kind is InjectionSlot.Header or InjectionSlot.Path);
        Only(entry, "user", slot, kind == InjectionSlot.BasicPassword);
        Only(entry, "password", slot, kind == InjectionSlot.BasicUser);
        var isNamed = kind is not (InjectionSlot.BasicUser or InjectionSlot.BasicPassword or InjectionSlot.Path);
        Only(entry, "name", slot, isNamed);
        return kind switch
        {
            InjectionSlot.Header => (kind, HeaderName(entry, "name"), HeaderText(entry, "prefix")),
            InjectionSlot.BasicUser => (kind, "Authorization", HeaderText(entry, "password")),
            InjectionSlot.BasicPassword => (kind, "Authorization", User(entry)),
            InjectionSlot.Path => (kind, "", Segment(entry)),
            _ => (kind, FieldName(entry, kind), ""),
        };
    }

    private static ImmutableArray<InjectionBinding> ReadShort(YamlReader root)
    {
        var inject = root.Mapping("inject", ["header", "prefix", "format", "user"]) ?? throw root.Missing("inject");
        var format = inject.Scalar("format");
        var (header, prefix, user) = (inject.Scalar("header"), inject.Scalar("prefix"), inject.Scalar("user"));
        if (format is not null && format.Value is not ("header" or "basic" or "path")) throw inject.Bad(format, "format is header, basic or path");
        if (format?.Value != "basic" && user is not null) throw inject.Bad(user, "user belongs to format: basic");
        if (format?.Value is "basic" or "path" && prefix is not null) throw inject.Bad(prefix, $"prefix does not belong to format: {format.Value}");
        if (format?.Value is "basic" or "path" && header is not null) throw inject.Bad(header, $"header does not belong to format: {format.Value}");
        var (slot, name, argument) = format?.Value switch
        {
            "path" => (InjectionSlot.Path, "", InjectionBinding.AnyPrefix),
            "basic" => (InjectionSlot.BasicPassword, "Authorization", User(inject)),
            _ => (InjectionSlot.Header, HeaderName(inject, "header"), HeaderText(inject, "prefix")),
        };
        return [.. Hosts(root).Select(host => new InjectionBinding(host.Host, name, slot, argument, host.Port))];
    }

    private static List<HostPattern> Hosts(YamlReader reader)
    {
        var hosts = new List<HostPattern>();
        foreach (var host in reader.Items("hosts"))
            hosts.Add(HostPattern.TryParse(host.Value!, out var pattern, out var error) ? pattern : throw reader.Bad(host, error));
        return hosts.Count > 0 ? hosts : throw reader.Missing("hosts");
    }

    internal static string HeaderName(YamlReader reader, string key)
    {
        var node = reader.Required(key);
        if (!IsToken(node.Value!)) throw reader.Bad(node, $"\"{GrantNames.Printable(node.Value!)}\" is not a header name");
        return IsHeaderName(node.Value!) ? node.Value! : throw reader.Bad(node, $"{node.Value} frames the request; a credential cannot go there");
    }

    /// <summary>True for a header that can take a credential: a token (RFC 9110 section 5.6.2), and none of the hop-by-hop and framing ones, which are the gateway's own.</summary>
    internal static bool IsHeaderName(string text)
        => text.Length > 0 && IsToken(text)
            && text.ToLowerInvariant() is not ("host" or "content-length" or "transfer-encoding" or "connection" or "upgrade" or "te" or "trailer" or "expect" or "keep-alive" or "proxy-connection");

    private static bool IsToken(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));

    internal static bool IsHeaderText(string text) => text.All(c => c is >= ' ' and <= '~');

    private static string HeaderText(YamlReader reader, string key)
    {
        var text = reader.Scalar(key)?.Value ?? "";
        return IsHeaderText(text) ? text : throw reader.Bad(key, $"{key} may hold visible ASCII and spaces");
    }

    private static string User(YamlReader reader)
    {
        _ = reader.Required("user");
        var user = HeaderText(reader, "user");
        return user.Contains(':', StringComparison.Ordinal) ? throw reader.Bad("user", "user may hold visible ASCII without a colon") : user;
    }

    private static string Segment(YamlReader reader)
    {
        var prefix = reader.Scalar("prefix")?.Value ?? "";
        return prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '~') ? prefix : throw reader.Bad("prefix", "prefix of a path segment may hold letters, digits and - _ . : ~");
    }

    private static string FieldName(YamlReader reader, InjectionSlot slot)
    {
        var name = reader.Required("name").Value!;
        var good = slot == InjectionSlot.Cookie ? name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)) : name.All(c => c is > ' ' and <= '~');
        if (slot == InjectionSlot.JsonField && name.Split('.').Any(part => part.Length == 0)) good = false;
        return good ? name : throw reader.Bad("name", $"\"{GrantNames.Printable(name)}\" is no name of a {(slot == InjectionSlot.JsonField ? "JSON field (a.b for b inside a)" : slot == InjectionSlot.Cookie ? "cookie" : "parameter or field")}");
    }

    private static void Only(YamlReader entry, string key, YamlScalarNode slot, bool fits)
    {
        if (!fits && entry.Has(key)) throw entry.Bad(key, $"{key} does not belong to slot: {slot.Value}");
    }
}
