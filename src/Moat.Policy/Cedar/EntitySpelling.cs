using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// The one spelling of an entity that requests are decided with: Leash's types and its hosts with wildcards, ports and
/// prefixes become entities of the vocabulary that hold exactly what was meant.
/// </summary>
internal static class EntitySpelling
{
    /// <summary>Types of which no request is about one itself, only about what is in it.</summary>
    public static bool IsContainer(EntityType type) => type.Name is "Dir" or "DnsZone" or "Cidr" or "Endpoint" or "MCP::Server";

    /// <summary>The vocabulary's type for a legacy one such as <c>Net::Hostname</c>; any other as it is.</summary>
    public static EntityType TypeOf(EntityType type)
    {
        var legacy = !type.Namespace.IsEmpty && !type.Namespace.StartsWith("__cedar", StringComparison.Ordinal);
        return type.Name switch
        {
            "Hostname" => PolicyVocabulary.HostType,
            "Directory" => new EntityType("Dir"),
            "IpRange" => PolicyVocabulary.CidrType,
            "MCP::Server" or "MCP::Tool" => type,
            _ when legacy => type.BaseName switch
            {
                "File" => new EntityType("File"),
                "Dir" or "Directory" => new EntityType("Dir"),
                "Host" or "Hostname" => PolicyVocabulary.HostType,
                "DnsZone" => PolicyVocabulary.ZoneType,
                "Endpoint" => PolicyVocabulary.EndpointType,
                "IpRange" or "Cidr" => PolicyVocabulary.CidrType,
                _ => type,
            },
            _ => type,
        };
    }

    /// <summary>The entity in its one spelling; equal to what was given when it is spelt so.</summary>
    /// <param name="error">What is wrong with it, without the entity itself.</param>
    public static bool TryNormalize(EntityUid uid, [NotNullWhen(true)] out EntityUid? normal, out string error)
    {
        error = "";
        normal = uid;
        if (uid.Type.IsAction)
        {
            if (uid.Type == PolicyVocabulary.ActionType && PolicyVocabulary.ActionNamed(uid.Id) is { } action && action != uid.Id) normal = new EntityUid(uid.Type, action);
            return true;
        }

        var type = TypeOf(uid.Type);
        normal = type.Name switch
        {
            "Host" => Host(uid.Id, out error),
            "DnsZone" => Zone(uid.Id, legacy: !uid.Type.Namespace.IsEmpty, out error),
            "Cidr" => Cidr(uid.Id, out error),
            "Endpoint" => Endpoint(uid.Id, out error),
            "Dir" => Dir(uid.Id),
            "MCP::Server" => McpServerName.Normalize(uid, out error),
            _ => type == uid.Type ? uid : new EntityUid(type, uid.Id),
        };
        if (uid.Equals(normal)) normal = uid;
        return normal is not null;
    }

    private static EntityUid Dir(string id) => new(new EntityType("Dir"), id.TrimEnd('/') is { Length: > 0 } path ? path : "/");

    private static EntityUid? Host(string id, out string error)
    {
        error = "";
        if (id == "*") return new EntityUid(PolicyVocabulary.ZoneType, id);
        if (id.Contains('/', StringComparison.Ordinal)) return Cidr(id, out error);
        if (CanonicalHost.TryParse(id, out var host, out error)) return new EntityUid(PolicyVocabulary.HostType, HostEntities.NameOf(host));
        if (id.StartsWith("*.", StringComparison.Ordinal) && !id.Contains(':', StringComparison.Ordinal)) return Zone(id, legacy: false, out error);
        if (id.Contains(':', StringComparison.Ordinal)) return Endpoint(id, out error);
        if (id.Contains('*', StringComparison.Ordinal)) error = "* stands alone or before the first dot; write context.host like \"…\" for another pattern";
        return null;
    }

    private static EntityUid? Zone(string id, bool legacy, out string error)
    {
        error = "";
        return Pattern(id, out error) is { } zone
            ? new EntityUid(PolicyVocabulary.ZoneType, legacy && !zone.StartsWith('*') ? "*." + zone : zone)
            : null;
    }

    private static EntityUid? Cidr(string id, out string error)
    {
        error = "the prefix is no IPv4 or IPv6 prefix such as 10.0.0.0/8";
        if (CedarIp.Parse(id) is not { } prefix) return null;
        error = "";
        return new EntityUid(PolicyVocabulary.CidrType, prefix.ToString());
    }

    private static EntityUid? Endpoint(string id, out string error)
    {
        error = "a host and a port such as example.org:443 are needed";
        var colon = id.LastIndexOf(':');
        if (colon <= 0) return null;
        if (!int.TryParse(id.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            error = "the port is none from 1 to 65535";
            return null;
        }

        var text = id[..colon];
        if (text.Contains(':', StringComparison.Ordinal) && !text.StartsWith('[')) return null;
        return Pattern(text, out error) is { } host ? new EntityUid(PolicyVocabulary.EndpointType, EndpointId(host, port)) : null;
    }

    /// <summary>The id of an endpoint of a canonical host or pattern.</summary>
    public static string EndpointId(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");

    // A host, *.host or *, canonical.
    private static string? Pattern(string text, out string error)
    {
        error = "";
        if (text == "*") return text;
        var below = text.StartsWith("*.", StringComparison.Ordinal);
        if (!CanonicalHost.TryParse(below ? text.AsSpan(2) : text, out var host, out error)) return null;
        if (below && host.IsIp)
        {
            error = "nothing is below an address";
            return null;
        }

        return below ? "*." + host.Value : HostEntities.NameOf(host);
    }
}
