using System.Collections.Frozen;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>The entities and actions that Moat's Cedar policies speak of: <c>schema.cedarschema</c>.</summary>
public static class PolicyVocabulary
{
    internal const string NetworkConnect = "NetworkConnect";
    internal const string HttpRequest = "HttpRequest";
    internal const string CredentialUse = "CredentialUse";
    internal const string McpCall = "McpCall";

    private static readonly Lazy<string> LazyText = new(Read);
    private static readonly Lazy<CedarSchema> LazySchema = new(() => CedarSchema.Parse(SchemaText, "schema.cedarschema"));
    private static readonly Lazy<FrozenDictionary<string, string>> LazyActions = new(() =>
        Schema.Actions.ToFrozenDictionary(static a => a.Id, static a => a.Id, StringComparer.OrdinalIgnoreCase));

    /// <summary>The schema as written.</summary>
    public static string SchemaText => LazyText.Value;

    /// <summary>The schema, ready to validate with.</summary>
    public static CedarSchema Schema => LazySchema.Value;

    internal static EntityType ActionType { get; } = new("Action");

    internal static EntityType RunType { get; } = new("Run");

    internal static EntityType AgentType { get; } = new("Agent");

    internal static EntityType HostType { get; } = new("Host");

    internal static EntityType ZoneType { get; } = new("DnsZone");

    internal static EntityType CidrType { get; } = new("Cidr");

    internal static EntityType EndpointType { get; } = new("Endpoint");

    internal static EntityType McpServerType { get; } = new("MCP::Server");

    internal static EntityType McpToolType { get; } = new("MCP::Tool");

    internal static EntityType CredentialType { get; } = new("Credential");

    /// <summary>The action's name in its own spelling, whatever its case; null for none of ours.</summary>
    internal static string? ActionNamed(string id) => LazyActions.Value.GetValueOrDefault(id);

    private static string Read()
    {
        using var stream = typeof(PolicyVocabulary).Assembly.GetManifestResourceStream("schema.cedarschema")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
