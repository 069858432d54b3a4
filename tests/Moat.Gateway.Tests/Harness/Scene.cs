using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Moat.Audit;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Tests;

/// <summary>How a <see cref="Scene"/> differs from the usual one.</summary>
internal sealed record SceneOptions
{
    public NetworkMode Mode { get; init; } = NetworkMode.Strict;

    /// <summary>Rules before the usual ones (all three hosts on ports 80 and 443).</summary>
    public ImmutableArray<HostRuleSpec> Rules { get; init; } = [];

    public bool WithoutUsualRules { get; init; }

    public HttpProtocols UpstreamProtocols { get; init; } = HttpProtocols.Http1AndHttp2;

    /// <summary>Certificate of the upstream instead of a good one.</summary>
    public Func<TestAuthority, X509Certificate2>? Certificate { get; init; }

    /// <summary>Further addresses for names.</summary>
    public ImmutableSortedDictionary<string, string> Resolve { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The names lead to the upstream's HTTP port, not to HTTPS.</summary>
    public bool ClearText { get; init; }

    public string[] Providers { get; init; } = [Scene.ApiProvider];

    public string[] Grants { get; init; } = ["api"];

    /// <summary>Grants that are in no vault; the scene disposes them.</summary>
    public Credentials.UnlockedGrant[] Extra { get; init; } = [];

    /// <summary>What the run narrows a grant to, by its name.</summary>
    public IReadOnlyDictionary<string, string[]> Allow { get; init; } = new Dictionary<string, string[]>();

    /// <summary>What the grants were narrowed to when they were stored.</summary>
    public string[] StoredAllow { get; init; } = [];

    /// <summary>The text of a Cedar policy; null for none.</summary>
    public string? Policy { get; init; }

    /// <summary>The policy denies nothing, it is noted.</summary>
    public bool Shadow { get; init; }

    /// <summary>Where descriptions of MCP tools are pinned.</summary>
    public string? McpPins { get; init; }

    /// <summary>Authorities beside the upstream's own that the run trusts.</summary>
    public string[] Ca { get; init; } = [];

    /// <summary>Hosts besides the usual ones: allowed, and led to the upstream.</summary>
    public string[] Hosts { get; init; } = [];
}

/// <summary>
/// A gateway on loopback sockets with a real upstream behind it, a grant for <see cref="Api"/>, and an audit log.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    /// <summary>Has a grant.</summary>
    public const string Api = "api.moat.test";

    /// <summary>Allowed, without a grant.</summary>
    public const string Plain = "plain.moat.test";

    /// <summary>Not allowed.</summary>
    public const string Evil = "evil.moat.test";

    public const string ApiProvider = """
        name: api
        description: test API
        hosts: [api.moat.test]
        inject: { header: Authorization, prefix: "Bearer " }
        source_env: [API_TOKEN]
        container_env: [API_TOKEN]
        prompt: token
        placeholder: "tok_{base62:40}"
        """;

    private readonly TestAuthority _upstreamAuthority = new();
    private readonly AuditKey _key = AuditKey.Generate();
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-scene-").FullName;
    private GatewayServer _gateway = null!;
    private AuditLog _audit = null!;

    // A Socket's finalizer closes its handle, also when the gateway owns that by now.
    private Socket[] _listeners = [];

    public TestUpstream Upstream { get; private set; } = null!;

    public RunAuthority Authority { get; } = RunAuthority.Create("run_test");

    public TestGrants Grants { get; private set; } = null!;

    /// <summary>The real credential of <see cref="Api"/>.</summary>
    public string Secret { get; private set; } = "";

    public ConcurrentQueue<Denial> Denials { get; } = new();

    public ConcurrentQueue<string> Notices { get; } = new();

    public IPEndPoint Proxy { get; private set; } = null!;

    public IPEndPoint Http { get; private set; } = null!;

    public IPEndPoint Https { get; private set; } = null!;

    public AuditLog Audit => _audit;

    public static async Task<Scene> StartAsync(RequestDelegate handle, SceneOptions? options = null)
    {
        options ??= new SceneOptions();
        var scene = new Scene();
        await scene.BeginAsync(handle, options);
        return scene;
    }

    /// <summary>A client as an agent has one; trusts the run's authority alone.</summary>
    /// <param name="proxy">True: through the explicit proxy; false: transparently, to 443 and 80 of the gateway.</param>
    public HttpClient Client(bool proxy = true, Version? version = null) => new(Handler(proxy))
    {
        DefaultRequestVersion = version ?? HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(60),
    };

    public SocketsHttpHandler Handler(bool proxy = true)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = proxy,
            Proxy = proxy ? new WebProxy($"http://{Proxy}") : null,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            SslOptions = ClientTls(null),
        };
        if (!proxy)
        {
            handler.ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint.Port == 80 ? Http : Https, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }
        return handler;
    }

    public SslClientAuthenticationOptions ClientTls(string? serverName, params SslApplicationProtocol[] protocols)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.ImportFromPem(Authority.CertificatePem);
        var options = new SslClientAuthenticationOptions { CertificateChainPolicy = policy, TargetHost = serverName };
        if (protocols.Length > 0)
            options.ApplicationProtocols = [.. protocols];
        return options;
    }

    public static RequestPolicy PolicyOf(string text) => RequestPolicy.Compile(PolicyFile.Read(text, "test.cedar"), "test", agent: "");

    /// <summary>The log. Stops the gateway first: an outcome is recorded after the client has its response.</summary>
    public async Task<IReadOnlyList<AuditRecord>> RecordsAsync()
    {
        await FlushAsync();
        return [.. AuditReader.Read(AuditPath)];
    }

    /// <summary>Everything the tool has written down, as text. Stops the gateway first.</summary>
    public async Task<string> LogTextAsync()
    {
        await FlushAsync();
        return await File.ReadAllTextAsync(AuditPath);
    }

    /// <summary>Replaces the policy; the number of what was ended.</summary>
    public int Replace(string policy) => _gateway.ReplacePolicy(PolicyOf(policy));

    public ValueTask StopGatewayAsync() => _gateway.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
            await _gateway.DisposeAsync();
        if (Upstream is not null)
            await Upstream.DisposeAsync();
        if (_audit is not null)
            await _audit.DisposeAsync();
        GC.KeepAlive(_listeners);
        Grants?.Dispose();
        Authority.Dispose();
        _upstreamAuthority.Dispose();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string AuditPath => Path.Combine(_folder, "audit.jsonl");

    private async Task FlushAsync()
    {
        await StopGatewayAsync();
        await _audit.AppendIntentAsync("test.flush", AuditPayload.Create());
    }

    private async Task BeginAsync(RequestDelegate handle, SceneOptions options)
    {
        Upstream = await TestUpstream.StartAsync(
            handle, options.Certificate?.Invoke(_upstreamAuthority) ?? _upstreamAuthority.Issue([Api, Plain, Evil, "*.wild.test", .. options.Hosts]), options.UpstreamProtocols);
        Grants = new TestGrants(options.Providers);
        foreach (var grant in options.Grants)
            Secret = Grants.Put(grant, options.StoredAllow);
        Grants.Unlock(options.Grants, options.Allow, options.Extra);
        _audit = AuditLog.Create(AuditPath, new AuditOptions { Origin = "moat/test", Key = _key });

        var rules = options.Rules;
        if (!options.WithoutUsualRules)
            rules = rules.AddRange(new[] { Api, Plain }.Concat(options.Hosts).SelectMany(host => Usual(host)));
        var network = new NetworkSpec
        {
            Mode = options.Mode,
            Rules = rules,
            CaPem = [_upstreamAuthority.Pem, .. options.Ca],
            Resolve = Resolve(options),
        };
        var (proxy, http, https) = (Socket(), Socket(), Socket());
        _listeners = [proxy, http, https];
        Proxy = (IPEndPoint)proxy.LocalEndPoint!;
        Http = (IPEndPoint)http.LocalEndPoint!;
        Https = (IPEndPoint)https.LocalEndPoint!;
        _gateway = await GatewayServer.StartAsync(
            new GatewayOptions
            {
                Policy = NetworkPolicy.Compile(network),
                RequestPolicy = options.Policy is { } text ? PolicyOf(text) : null,
                ShadowsRequestPolicy = options.Shadow,
                McpPins = options.McpPins,
                Grants = Grants.Unlocked,
                Audit = _audit,
                Authority = Authority,
                Network = network,
                OnDenied = Denials.Enqueue,
                OnNotice = Notices.Enqueue,
            },
            new GatewayListeners { Proxy = [proxy.SafeHandle], Http = [http.SafeHandle], Https = [https.SafeHandle] },
            CancellationToken.None);
    }

    private static IEnumerable<HostRuleSpec> Usual(string host) => [new HostRuleSpec(host, null, [], "test")];

    private ImmutableSortedDictionary<string, string> Resolve(SceneOptions options)
    {
        var resolve = options.Resolve;
        foreach (var host in new[] { Api, Plain, Evil }.Concat(options.Hosts))
        {
            if (!resolve.ContainsKey(host))
                resolve = resolve.Add(host, $"127.0.0.1:{(options.ClearText ? Upstream.HttpPort : Upstream.HttpsPort)}");
        }
        return resolve;
    }

    private static Socket Socket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
