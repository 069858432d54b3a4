using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The grants <c>mcp:NAME</c>: a credential for one remote MCP server, at its endpoint and below. Servers that many use are
/// known by name; any other is told with its address.
/// </summary>
internal static class McpGrant
{
    internal const string Prefix = "mcp:";

    // Where each server answers, and the header of its own that takes a key; without one it is a bearer token.
    private static readonly Dictionary<string, (string Url, string Header)> s_known = new(StringComparer.Ordinal)
    {
        ["betterstack"] = ("https://mcp.betterstack.com/", ""),
        ["context7"] = ("https://mcp.context7.com/mcp", "CONTEXT7_API_KEY"),
        ["hubspot"] = ("https://mcp.hubspot.com/", ""),
        ["linear"] = ("https://mcp.linear.app/mcp", ""),
        ["notion"] = ("https://mcp.notion.com/mcp", ""),
        ["posthog"] = ("https://mcp.posthog.com/mcp", ""),
        ["sentry"] = ("https://mcp.sentry.dev/mcp", ""),
        ["stripe"] = ("https://mcp.stripe.com/", ""),
    };

    /// <summary>The provider of a name of this family; null for any other name.</summary>
    internal static ProviderDefinition? Provider(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name.Length == Prefix.Length || !GrantNames.IsName(name)) return null;
        var variable = $"MCP_{string.Concat(name[Prefix.Length..].Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'))}_TOKEN";
        return new ProviderDefinition
        {
            Name = name,
            Description = $"MCP server {name[Prefix.Length..]}",
            Bindings = [],
            SourceEnv = [variable],
            ContainerEnv = [variable],
            Prompt = $"Token of the MCP server {name[Prefix.Length..]}",
            Placeholder = PlaceholderTemplate.Default,
            Find = async (sources, request, ct) =>
            {
                if (request.LogsIn) return await OAuthGrant.LogInAsync(name, sources, request, ct).ConfigureAwait(false);
                var binding = Binding(name, request);
                var (token, source) = await sources.FindAsync(Provider(name)!, request.Prompt, ct).ConfigureAwait(false);
                return new GrantDraft(token, source) { Bindings = [binding] };
            },
        };
    }

    /// <summary>Where a server that is known by name takes its credential; null for any other.</summary>
    internal static InjectionBinding? KnownBinding(string name) => s_known.ContainsKey(name[Prefix.Length..]) ? Binding(name, new GrantRequest(name)) : null;

    internal static InjectionBinding Binding(string name, GrantRequest request)
    {
        var known = s_known.GetValueOrDefault(name[Prefix.Length..]);
        var address = request.Url ?? known.Url
            ?? throw new MoatException($"where the server of {name} is, is not known", $"name its address: moat grant {name} --url https://…; known by name are {string.Join(", ", s_known.Keys)}");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
            throw new MoatException($"the address of {name} is no https address without a query", "write --url https://mcp.example.org/mcp");
        if (!HostPattern.TryParse(url.IsDefaultPort ? url.IdnHost : $"{url.IdnHost}:{url.Port}", out var host, out var problem)) throw new MoatException(problem, "write --url https://mcp.example.org/mcp");
        var path = url.AbsolutePath.TrimEnd('/') + InjectionBinding.AnyPath;
        if (GrantScope.PathProblem(path) is { } fault) throw new MoatException($"the address of {name} cannot be matched: {fault}", "write --url with a plain path");
        var header = request.Header ?? known.Header;
        if (!string.IsNullOrEmpty(header) && !BindingYaml.IsHeaderName(header)) throw new MoatException($"\"{GrantNames.Printable(header)}\" is no header for a credential", "write --header X-Api-Key, or leave it out for a bearer token");
        return string.IsNullOrEmpty(header)
            ? new InjectionBinding(host.Host, "Authorization", InjectionSlot.Header, "Bearer ", host.Port) { Path = path }
            : new InjectionBinding(host.Host, header, InjectionSlot.Header, "", host.Port) { Path = path };
    }
}
