using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Moat.Spec;

[JsonConverter(typeof(KebabCaseEnum<NetworkMode>))]
public enum NetworkMode
{
    /// <summary>What no rule allows is denied.</summary>
    Strict,

    /// <summary>What no rule denies is allowed, except private, link-local and metadata addresses.</summary>
    Permissive,
}

/// <summary>What the run may reach. Rules are in order of their source; the first rule that matches host and port decides.</summary>
public sealed record NetworkSpec
{
    public required NetworkMode Mode { get; init; }

    public ImmutableArray<HostRuleSpec> Rules { get; init; } = [];

    /// <summary>Ports of the host's loopback that the name <c>moat-host</c> reaches.</summary>
    public ImmutableArray<int> HostPorts { get; init; } = [];

    /// <summary>Extra upstream trust anchors: PEM text, one or more certificates each (<c>network.ca</c>).</summary>
    public ImmutableArray<string> CaPem { get; init; } = [];

    /// <summary>Address for a name (<c>network.resolve</c>): canonical host → literal IPv4 or IPv6 address, optionally with <c>:port</c> (<c>[v6]:port</c>).</summary>
    public ImmutableSortedDictionary<string, string> Resolve { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>
/// One host rule. <paramref name="Host"/> is a canonical host, <c>*.host</c> (any depth of labels, at least one) or an
/// IP literal. <paramref name="Port"/> null means 80 and 443. <paramref name="Requests"/> empty allows every request;
/// otherwise the first match decides and no match is the mode's default (strict: deny). <paramref name="Origin"/> says
/// where the rule came from, for people (<c>moat.yaml:12</c>, <c>grant github</c>, <c>npm registry (.npmrc)</c>).
/// </summary>
public sealed record HostRuleSpec(string Host, int? Port, ImmutableArray<RequestRuleSpec> Requests, string Origin);

/// <summary>
/// <c>allow|deny METHOD path</c>. <paramref name="Method"/> is upper case or <c>*</c>. In <paramref name="Path"/>
/// <c>*</c> is one segment and <c>**</c> is zero or more segments.
/// </summary>
public sealed record RequestRuleSpec(bool Allow, string Method, string Path);
