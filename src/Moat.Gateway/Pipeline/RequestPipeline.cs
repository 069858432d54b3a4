using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Aws;
using Moat.Gateway.Captures;
using Moat.Gateway.Doors;
using Moat.Gateway.Identity;
using Moat.Gateway.Injections;
using Moat.Gateway.Mcp;
using Moat.Gateway.WebSockets;
using Moat.Policy;
using Yarp.ReverseProxy.Forwarder;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// The path of every request, on every door, in every HTTP version; HTTP/2 takes it once for each stream.
/// <code>
///            (1) identify  (2) decide  (3) inject  (4) record intent
///               │             │           │             │ durable, or 503
///   agent ──────▼─────────────▼───────────▼─────────────▼──────────► (5) forward ──► upstream
///         400, 421         403 policy  403 grant                        │ dial guard, verified TLS, or 502
///   agent ◄───────────── (7) record outcome ◄──────── (6) redact ◄──────┘
/// </code>
/// (1) Door, SNI, Host, target and scheme name one destination, in a form that no two servers read in two ways.
/// (2) The network rules allow this method and path on this destination, and so does the Cedar policy;
/// what goes to an MCP server is read and judged by tool and arguments.
/// (3) The credentials that the bindings of the run's grants have for this request are there, in scope, not revoked, and
/// the Cedar policy allows their use.
/// (4) The intent is in the audit log before a byte leaves.
/// (5) The body streams both ways; nothing is held back.
/// (6) Tokens of the response of an endpoint that gives them are kept; head, body and trailers lose every form of every secret.
/// (7) Status, bytes, time and error are recorded, also when a side went away.
/// </summary>
internal sealed class RequestPipeline(
    NetworkPolicy policy, PolicyGate gate, McpGate mcp, LiveTraffic traffic, DnsBudget budget, IReadOnlyList<UnlockedGrant> grants, Recorder recorder, RunRedactor redactor, CaptureBook book, IHttpForwarder forwarder, HttpMessageInvoker upstream)
{
    private static readonly ForwarderRequestConfig Config = new()
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        // A model may think for a long time between two events of a stream.
        ActivityTimeout = TimeSpan.FromHours(1),
    };

    /// <summary>The client is on this machine; one that sends on for longer than this sends without an end.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    private const long DrainBytes = 16 * 1024 * 1024;

    private readonly RequestIdentity _identity = new(new InjectionTable(grants, book));

    public async Task ProcessAsync(Exchange exchange)
    {
        var http = exchange.Http;
        var rawTarget = http.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var door = http.Features.Get<DoorConnection>();

        // 1
        var method = http.Request.Method;
        var overrides = false;
        var refusal = door is null ? Refusal.ByProtocol("the connection came through no door") : RequestGuard.Check(http, rawTarget, out method, out overrides);
        var target = rawTarget;
        Destination? destination = null;
        refusal ??= _identity.Identify(http, rawTarget, door!, out destination, out target);
        if (refusal is not null)
        {
            await RefuseAsync(exchange, refusal, NameFor(http, door, destination), destination?.Authority.Port ?? door?.Port ?? 0, method, rawTarget);
            return;
        }
        exchange.Destination = destination!;
        exchange.Target = target;

        // 2
        using var live = traffic.Enter(exchange, method);
        var (host, port) = (destination!.Authority.Host, destination.Authority.Port);
        var decision = policy.DecideRequest(host, port, method, target);
        if (!decision.Allowed)
            refusal = Refusal.ByPolicy(decision);
        else if (overrides && (policy.HasRequestRules(host, port) || destination.Plan.IsNarrow || gate.DecidesOnRequests))
            refusal = Refusal.ByProtocol("a header asks for another method or path than the one that the rules decided on", 403);
        else if (policy.WildcardFor(host) is { } wildcard && !budget.TryResolve(host, wildcard, out var reason))
            refusal = Refusal.ByPolicy(new Decision(false, wildcard, reason, $"moat run --allow-host {host.Value}"));

        refusal ??= DnsOverHttps.Check(http.Request, target, host, policy);
        refusal ??= gate.Request(exchange, method);
        refusal ??= await mcp.JudgeAsync(exchange);

        // 3
        refusal ??= destination.Plan.HasChoice ? await ChooseAsync(exchange, method) : Take(exchange, destination.Plan.All);
        refusal ??= gate.Credentials(exchange, method);
        if (refusal is not null)
        {
            await RefuseAsync(exchange, refusal, host.Value, port, method, target);
            return;
        }
        exchange.Redactor = redactor.Current;
        if (book.Find(destination, target) is { } place)
            (exchange.Capture, exchange.Book, exchange.Run) = (place, book, redactor);

        // 4
        try
        {
            recorder.McpMessages(exchange);
            exchange.Intent = await recorder.RequestIntentAsync(exchange, door!, method, decision.Rule);
        }
        catch (AuditUnavailableException)
        {
            await AnswerAsync(http, Unrecorded, host.Value);
            return;
        }

        // 5, 6
        var failure = "";
        try
        {
            var sent = PrepareBody(exchange);
            exchange.WebSocket = WebSocketRelay.Attach(exchange, recorder);
            var error = await forwarder.SendAsync(http, destination.Prefix, upstream, Config, exchange.Transformer, CancellationToken.None);
            if (error != ForwarderError.None)
                failure = live?.Ended ?? await ExplainAsync(exchange, error, host.Value, port, method);
            if (sent is RelayStream { Ended: false } unread && http.Response.HasStarted)
                await DrainAsync(http, unread);
            else if (sent is RequestBodyStream body)
                await body.SettleAsync();
        }
        catch (Exception e)
        {
            // The record must say that the request ended badly, whatever the reason; Kestrel then ends the connection.
            failure = e.GetType().Name;
            throw;
        }
        finally
        {
            // 7
            recorder.RequestOutcome(exchange, failure);
        }
    }

    private static readonly Refusal Unrecorded = new(
        503, DenialKind.Audit, "no effect without its record", "the audit log cannot be written", "make room on the disk of the run's state folder, then start the run again");

    /// <returns>The body as the client sends it, under whatever changes it on the way; null where it was read already or is none.</returns>
    private static Stream? PrepareBody(Exchange exchange)
    {
        var http = exchange.Http;
        if (exchange.Body is { } body)
        {
            var bytes = body.Write(exchange.Injections.AsSpan(), exchange.Credentials);
            http.Request.Body = new MemoryStream(bytes, writable: false);
            http.Request.ContentLength = bytes.Length;
            exchange.BytesIn = body.Length;
        }
        else if (exchange.AwsBody is { } signed)
        {
            http.Request.Body = new MemoryStream(signed, writable: false);
            http.Request.ContentLength = exchange.BytesIn = signed.Length;
        }
        else if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            Stream sent = HttpProtocol.IsHttp2(http.Request.Protocol)
                ? new RelayStream(http.Request.Body, exchange, RelayStream.Direction.Request)
                : new RequestBodyStream(http.Request.BodyReader, exchange);
            http.Request.Body = exchange.Aws is { } signing ? signing.Wrap(sent, () => http.Response.HasStarted) : sent;
            return sent;
        }
        else if (http.Request.Headers.ContentType.Count > 0)
        {
            // HttpClient sends a Content-Type only along with a body, so this one is empty. Signatures may cover the header.
            http.Features.Set<IHttpRequestBodyDetectionFeature>(EmptyBody.Instance);
            http.Request.Headers.ContentLength = 0;
        }
        return null;
    }

    /// <summary>
    /// The upstream answered without the whole body (RFC 9113 §8.1). Kestrel would now reset the stream without an error;
    /// clients that are in the middle of sending (curl up to 8) take even that for one. So what still comes is swallowed
    /// within limits before the answer ends, as over HTTP/1.1.
    /// </summary>
    private static async Task DrainAsync(HttpContext http, RelayStream body)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience.CancelAfter(DrainTime);
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (long drained = 0; drained < DrainBytes && !body.Ended;)
                drained += await body.ReadAsync(buffer, patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client stopped sending, or sends too slowly: Kestrel's reset ends the stream after all.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<Refusal?> ChooseAsync(Exchange exchange, string method)
    {
        var (plan, request) = (exchange.Destination.Plan, exchange.Http.Request);
        (exchange.Body, var refusal) = await FieldBody.ReadAsync(plan, method, exchange.Target, request);
        if (refusal is not null)
            return refusal;
        return InjectionChoice.Choose(plan, method, exchange.Target, request.Headers, exchange.Body, out var chosen) ?? Take(exchange, chosen)
            ?? (plan.Aws is { } signer ? await AwsGate.PrepareAsync(exchange, signer, method) : null);
    }

    private static Refusal? Take(Exchange exchange, ImmutableArray<Injection> injections)
    {
        exchange.Injections = injections;
        var values = exchange.RentCredentials(injections.Length);
        for (var i = 0; i < injections.Length; i++)
        {
            var grant = injections[i].Grant;
            if (!grant.TryGetValue(injections[i].Index, out values[i]))
            {
                return new Refusal(403, DenialKind.Grant, $"grant {grant.Name}", $"the grant {grant.Name} cannot be used: {grant.RevokedReason}", $"moat grant {grant.Name}");
            }
        }
        return null;
    }

    private async Task<string> ExplainAsync(Exchange exchange, ForwarderError error, string host, int port, string method)
    {
        var http = exchange.Http;
        var exception = http.Features.Get<IForwarderErrorFeature>()?.Exception;
        if (http.RequestAborted.IsCancellationRequested)
            return "the client went away";
        var failure = FailureAnswer.For(error, exception, host, port);
        if (http.Response.HasStarted)
        {
            return error is ForwarderError.RequestBodyCanceled or ForwarderError.RequestBodyClient or ForwarderError.RequestBodyDestination
                ? "the upstream answered without the whole request body"
                : failure.Reason;
        }
        if (failure.Kind == DenialKind.Address)
            recorder.RequestDenied(failure, host, port, method, exchange.Target);
        http.Response.Clear();
        await AnswerAsync(http, failure, host);
        return failure.Reason;
    }

    private Task RefuseAsync(Exchange exchange, Refusal refusal, string host, int port, string method, string target)
    {
        recorder.RequestDenied(refusal, host, port, method, target);
        return AnswerAsync(exchange.Http, refusal, host);
    }

    private static Task AnswerAsync(HttpContext http, Refusal refusal, string host)
    {
        var body = refusal.Body ?? DenialBody.Write(refusal, host);
        var response = http.Response;
        response.StatusCode = refusal.Status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (refusal.IsBlock)
            response.Headers[DenialBody.BlockedHeader] = refusal.Kind;
        // What was unclear about this request could be unclear about where the next one starts.
        if (refusal.Kind == DenialKind.Protocol && !HttpProtocol.IsHttp2(http.Request.Protocol))
            response.Headers.Connection = "close";
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body).AsTask();
    }

    private static string NameFor(HttpContext http, DoorConnection? door, Destination? destination) =>
        destination?.Authority.Host.Value ?? door?.Host?.Value ?? http.Request.Headers.Host.ToString();

    private sealed class EmptyBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly EmptyBody Instance = new();

        public bool CanHaveBody => true;
    }
}
