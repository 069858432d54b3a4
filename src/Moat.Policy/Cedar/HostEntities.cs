using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// What a host and a port are in: those zones, prefixes and endpoints that a policy speaks of. The labels of a name are
/// its hierarchy; an address has its prefixes.
/// </summary>
internal sealed class HostEntities
{
    private readonly FrozenDictionary<string, EntityUid>.AlternateLookup<ReadOnlySpan<char>> zones;
    private readonly FrozenDictionary<string, EntityUid> endpoints;
    private readonly ImmutableArray<(CedarIp Prefix, EntityUid Uid)> prefixes;

    public HostEntities(PolicySet policies)
    {
        var all = policies.Policies.SelectMany(MentionedEntities.Of).ToHashSet();
        zones = ById(all, PolicyVocabulary.ZoneType).GetAlternateLookup<ReadOnlySpan<char>>();
        endpoints = ById(all, PolicyVocabulary.EndpointType);
        prefixes = [.. all.Where(static e => e.Type == PolicyVocabulary.CidrType).Select(static e => (CedarIp.Parse(e.Id)!, e))];
    }

    /// <summary>The host as an entity for a request to the port.</summary>
    public Entity Of(in CanonicalHost host, int port)
    {
        var parents = new List<EntityUid>();
        AddPattern("*", port, parents);
        var name = NameOf(host);
        AddEndpoint(name, port, parents);
        if (host.Address is { } address) AddPrefixes(address, parents);
        else AddZones(name, port, parents);
        return new Entity(new EntityUid(PolicyVocabulary.HostType, name), parents: parents);
    }

    /// <summary>True when all of the second, a host or a zone, is in the zone.</summary>
    public static bool ZoneHolds(string zone, string inner)
    {
        if (zone == "*" || zone == inner) return true;
        if (CanonicalHost.TryParse(inner, out var host, out _) && host.IsIp) return false;
        var below = zone.StartsWith("*.", StringComparison.Ordinal);
        var name = below ? zone.AsSpan(2) : zone;
        var text = inner.StartsWith("*.", StringComparison.Ordinal) ? inner.AsSpan(2) : inner;
        if (text.SequenceEqual(name)) return !below;
        return text.Length > name.Length && text[^(name.Length + 1)] == '.' && text.EndsWith(name, StringComparison.Ordinal);
    }

    private void AddZones(string name, int port, List<EntityUid> parents)
    {
        if (zones.TryGetValue(name, out var own)) parents.Add(own);
        for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            if (zones.TryGetValue(name.AsSpan(dot + 1), out var zone)) parents.Add(zone);
            AddPattern(string.Concat("*", name.AsSpan(dot)), port, parents);
        }
    }

    private void AddPattern(string pattern, int port, List<EntityUid> parents)
    {
        if (zones.TryGetValue(pattern, out var zone)) parents.Add(zone);
        AddEndpoint(pattern, port, parents);
    }

    private void AddEndpoint(string host, int port, List<EntityUid> parents)
    {
        if (endpoints.Count > 0 && endpoints.TryGetValue(EntitySpelling.EndpointId(host, port), out var endpoint)) parents.Add(endpoint);
    }

    private void AddPrefixes(IPAddress address, List<EntityUid> parents)
    {
        var ip = AddressOf(address);
        foreach (var (prefix, uid) in prefixes)
        {
            if (ip.IsInRange(prefix)) parents.Add(uid);
        }
    }

    /// <summary>The host as policies see it: an IPv4 address has one name, inside an IPv6 one too.</summary>
    public static string NameOf(in CanonicalHost host) => host.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4().ToString() : host.Value;

    /// <summary>The address as policies see it; an IPv4 address inside an IPv6 one by its own.</summary>
    public static CedarIp AddressOf(IPAddress address) => CedarIp.Create(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static FrozenDictionary<string, EntityUid> ById(IEnumerable<EntityUid> all, EntityType type) =>
        all.Where(e => e.Type == type).ToFrozenDictionary(static e => e.Id, StringComparer.Ordinal);
}
