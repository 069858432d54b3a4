using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Moat.Cedar;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>
/// A Cedar policy over what the gateway holds: connections, requests, credentials, MCP tools. An action of which no statement
/// speaks is not decided here; for every other one Cedar's answer holds, and without a permit that is no. For any
/// number of threads.
/// </summary>
public sealed class RequestPolicy
{
    /// <summary>Hosts are of the agent's making, so the memory of them has an end.</summary>
    private const int MaxHosts = 1024;

    private static readonly CedarValue Tcp = CedarValue.String("tcp");
    private static readonly EntityUid Connect = new(PolicyVocabulary.ActionType, PolicyVocabulary.NetworkConnect);
    private static readonly EntityUid Http = new(PolicyVocabulary.ActionType, PolicyVocabulary.HttpRequest);
    private static readonly EntityUid Credential = new(PolicyVocabulary.ActionType, PolicyVocabulary.CredentialUse);

    [ThreadStatic]
    private static AuthorizationResult? t_result;

    private readonly Authorizer authorizer;
    private readonly HostEntities hosts;
    private readonly EntityUid run;
    private readonly EntityStore store;
    private readonly McpRules mcp;
    private readonly FrozenSet<string> governed;
    private readonly FrozenDictionary<string, string> names;
    private readonly ConcurrentDictionary<(string Host, int Port), KnownHost> known = new();
    private int knownCount;

    private RequestPolicy(PolicyFile file, string runName, string agent)
    {
        authorizer = new Authorizer(file.Policies);
        hosts = new HostEntities(file.Policies);
        run = new EntityUid(PolicyVocabulary.RunType, runName);
        store = EntityStore.Create(new Entity(run, parents: agent.Length == 0 ? [] : [new EntityUid(PolicyVocabulary.AgentType, agent)]));
        governed = file.Policies.Policies.SelectMany(static p => ActionScope.Of(p)).Where(Actions.Contains).ToFrozenSet(StringComparer.Ordinal);
        mcp = new McpRules(file.Policies, run, store);
        names = file.Policies.Policies.ToFrozenDictionary(static p => p.Id, p => PolicyFile.RuleName(p, file.Name), StringComparer.Ordinal);
    }

    /// <summary>The actions that are decided here.</summary>
    internal static ImmutableArray<string> Actions { get; } = [PolicyVocabulary.NetworkConnect, PolicyVocabulary.HttpRequest, PolicyVocabulary.CredentialUse, PolicyVocabulary.McpCall];

    /// <summary>True when a statement speaks of connections.</summary>
    public bool GovernsConnect => governed.Contains(PolicyVocabulary.NetworkConnect);

    /// <summary>True when a statement speaks of HTTP requests, so that method and path decide.</summary>
    public bool GovernsRequests => governed.Contains(PolicyVocabulary.HttpRequest);

    /// <summary>True when a statement speaks of credentials.</summary>
    public bool GovernsCredentials => governed.Contains(PolicyVocabulary.CredentialUse);

    /// <summary>True when a statement speaks of the tools of MCP servers.</summary>
    public bool GovernsMcp => governed.Contains(PolicyVocabulary.McpCall);

    /// <summary>Makes a policy ready.</summary>
    /// <param name="runName">The principal's name.</param>
    /// <param name="agent">The agent it belongs to, or empty.</param>
    /// <exception cref="MoatException">The file is not in order.</exception>
    public static RequestPolicy Compile(PolicyFile file, string runName, string agent)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Notes.FirstOrDefault(static n => n.Level == PolicyNoteLevel.Error && n.Code != Enforceability.Code) is { } wrong)
            throw new MoatException($"{file.Name}:{wrong.Line}:{wrong.Column}: {wrong.Message}", wrong.Help.Length > 0 ? wrong.Help : $"see: moat policy check {file.Name}");
        return new RequestPolicy(file, runName, agent);
    }

    /// <summary>May a connection go to the host and port?</summary>
    public Decision DecideConnect(in CanonicalHost host, int port)
    {
        if (!GovernsConnect) return NotGoverned;
        var entry = Known(host, port);
        return Decide(entry.Connect, entry.Store, PolicyVocabulary.NetworkConnect);
    }

    /// <summary>May this request go out?</summary>
    /// <param name="rawPath">The target as it came, in origin form, its query included.</param>
    public Decision DecideRequest(in CanonicalHost host, int port, string method, string rawPath)
    {
        if (!GovernsRequests) return NotGoverned;
        if (!TryPath(rawPath, out var path, out var denied)) return denied;
        var entry = Known(host, port);
        CedarRecord context = entry.Ip is null
            ? CedarRecord.Create(entry.HostField, new("method", CedarValue.String(method)), new("path", CedarValue.String(path)), entry.PortField)
            : CedarRecord.Create(entry.HostField, new("ip", CedarValue.Ip(entry.Ip)), new("method", CedarValue.String(method)), new("path", CedarValue.String(path)), entry.PortField);
        return Decide(new Request(run, Http, entry.Uid, context), entry.Store, PolicyVocabulary.HttpRequest);
    }

    /// <summary>May the grant be used for this request?</summary>
    /// <param name="rawPath">The target as it came, in origin form, its query included.</param>
    public Decision DecideCredential(string grant, in CanonicalHost host, int port, string method, string rawPath)
    {
        ArgumentNullException.ThrowIfNull(grant);
        if (!GovernsCredentials) return NotGoverned;
        if (!TryPath(rawPath, out var path, out var denied)) return denied;
        var entry = Known(host, port);
        var context = CedarRecord.Create(new("grant", CedarValue.String(grant)), entry.HostField, new("method", CedarValue.String(method)), new("path", CedarValue.String(path)), entry.PortField);
        return Decide(new Request(run, Credential, new EntityUid(PolicyVocabulary.CredentialType, grant), context), entry.Store, PolicyVocabulary.CredentialUse);
    }

    /// <summary>True when a statement about tools names the MCP server at the host and port.</summary>
    public bool NamesMcpServer(in CanonicalHost host, int port) => mcp.Names(host, port);

    /// <summary>The name of an MCP server in policies and records: its host, with the port where that is not 443.</summary>
    public static string McpServerName(in CanonicalHost host, int port) => Moat.Policy.McpServerName.Of(host, port);

    /// <summary>May this tool of the MCP server at the host and port be called?</summary>
    public Decision DecideMcp(in CanonicalHost host, int port, McpCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!GovernsMcp) return NotGoverned;
        if (mcp.Ambiguity(call) is { } reason) return new Decision(false, "policy", reason, "use the names that the server lists, letter by letter");
        var (request, entities) = mcp.Ask(host, port, call);
        return Decide(request, entities, PolicyVocabulary.McpCall);
    }

    /// <summary>Decides one request and tells the way to the answer.</summary>
    /// <param name="action">NetworkConnect, HttpRequest, CredentialUse or McpCall, in any case.</param>
    /// <param name="grant">For CredentialUse.</param>
    /// <param name="call">For McpCall.</param>
    /// <exception cref="MoatException">The action is none of the four, or what it is about is missing.</exception>
    public PolicyExplanation Explain(string action, in CanonicalHost host, int port, string method, string rawPath, string? grant, McpCall? call = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        var name = PolicyVocabulary.ActionNamed(action);
        if (name == PolicyVocabulary.CredentialUse && string.IsNullOrEmpty(grant)) throw new MoatException("CredentialUse is about a grant", "name it: --grant github");
        if (name == PolicyVocabulary.McpCall && call is null) throw new MoatException("McpCall is about a tool", "name it: --tool search");
        t_result = new AuthorizationResult(); // what an earlier question left is none of this one's
        var decision = name switch
        {
            PolicyVocabulary.NetworkConnect => DecideConnect(host, port),
            PolicyVocabulary.HttpRequest => DecideRequest(host, port, method, rawPath),
            PolicyVocabulary.CredentialUse => DecideCredential(grant!, host, port, method, rawPath),
            PolicyVocabulary.McpCall => DecideMcp(host, port, call!),
            _ => throw new MoatException($"nothing here decides the action {Printable.Text(action)}", "ask about NetworkConnect, HttpRequest, CredentialUse or McpCall"),
        };
        var result = t_result;
        return new PolicyExplanation(
            decision,
            governed.Contains(name),
            [.. result.Reasons.Select(p => new PolicyStep(p.Effect == Effect.Permit ? "permitted" : "forbidden", names[p.Id]))],
            [.. result.Errors.Where(static e => e.Policy is not null).Select(e => $"{names[e.Policy!.Id]} took no part: {e.Message}")],
            [.. hosts.Of(host, port).Parents.Select(static p => p.ToString()).Order(StringComparer.Ordinal)]);
    }

    private static Decision NotGoverned => new(true, "", "", "");

    /// <summary>The path of a target as policies see it; null where servers could read it in different ways.</summary>
    internal static string? CanonicalPath(string rawPath) => TryPath(rawPath, out var path, out _) ? path : null;

    private static bool TryPath(string rawPath, out string path, out Decision denied)
    {
        Span<char> buffer = rawPath.Length <= 512 ? stackalloc char[512] : new char[rawPath.Length];
        denied = default;
        path = "";
        if (!RequestPath.TryCanonicalize(rawPath, buffer, out var canonical, out var reason))
        {
            denied = new Decision(false, "policy", reason + ", and the policy decides on paths", "Send the path in its plain form, which every server reads in one way.");
            return false;
        }

        path = canonical.SequenceEqual(rawPath) ? rawPath : canonical.ToString();
        return true;
    }

    private Decision Decide(Request request, EntityStore entities, string action)
    {
        var result = t_result ??= new AuthorizationResult();
        if (authorizer.Decide(request, entities, result) == Cedar.Decision.Allow) return new Decision(true, names[result.Reasons[0].Id], "", "");
        if (result.Reasons.Count > 0)
        {
            var rule = names[result.Reasons[0].Id];
            return new Decision(false, rule, $"the policy forbids this {action}", $"change {rule}; moat policy explain shows the way to the answer");
        }

        if (result.Errors.Count > 0 && result.Errors[0].Policy is { } failed)
            return new Decision(false, names[failed.Id], $"no statement of the policy permits this {action}; one failed: {result.Errors[0].Message}", $"mend {names[failed.Id]}");
        return new Decision(false, "policy", $"no statement of the policy permits this {action}", $"permit (principal, action == Action::\"{action}\", resource == {Printable.Text(request.Resource.ToString())});");
    }

    private KnownHost Known(in CanonicalHost host, int port)
    {
        if (known.TryGetValue((host.Value, port), out var entry)) return entry;
        entry = new KnownHost(hosts.Of(host, port), host, port, run, store);
        // Some more than the limit may get in at once; then all start anew.
        if (Interlocked.Increment(ref knownCount) > MaxHosts)
        {
            known.Clear();
            Volatile.Write(ref knownCount, 1);
        }

        known[(host.Value, port)] = entry;
        return entry;
    }

    /// <summary>All that stays the same from one request to a host and port to the next.</summary>
    private sealed class KnownHost
    {
        public KnownHost(Entity entity, in CanonicalHost host, int port, EntityUid run, EntityStore below)
        {
            Uid = entity.Uid;
            Store = below.Add(entity);
            HostField = new("host", CedarValue.String(entity.Uid.Id));
            PortField = new("port", CedarValue.Long(port));
            Ip = host.Address is { } address ? HostEntities.AddressOf(address) : null;
            KeyValuePair<string, CedarValue> protocol = new("protocol", Tcp);
            Connect = new Request(run, RequestPolicy.Connect, Uid, Ip is null
                ? CedarRecord.Create(HostField, PortField, protocol)
                : CedarRecord.Create(HostField, new("ip", CedarValue.Ip(Ip)), PortField, protocol));
        }

        public EntityUid Uid { get; }

        public EntityStore Store { get; }

        public KeyValuePair<string, CedarValue> HostField { get; }

        public KeyValuePair<string, CedarValue> PortField { get; }

        public CedarIp? Ip { get; }

        public Request Connect { get; }
    }
}
