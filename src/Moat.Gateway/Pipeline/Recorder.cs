using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Dns;
using Moat.Gateway.Doors;
using Moat.Gateway.Mcp;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// The gateway's hand in the audit log, and the person's line at the terminal. Texts of the agent's making pass the
/// redactor first, so that a secret which it guessed or found is not written down.
/// </summary>
internal sealed partial class Recorder(AuditLog audit, RunRedactor redactor, Action<Denial>? onDenied)
{
    /// <summary>Completes when the record is durable; only then may a byte leave.</summary>
    /// <exception cref="AuditUnavailableException">The log takes no more records.</exception>
    public ValueTask<long> RequestIntentAsync(Exchange exchange, DoorConnection door, string method, string rule)
    {
        var destination = exchange.Destination;
        var payload = AuditPayload.Create()
            .Add("door", DoorName(door.Kind))
            .Add("host", exchange.Redactor.Redact(destination.Authority.Host.Value))
            .Add("method", exchange.Redactor.Redact(method))
            .Add("path", exchange.Redactor.Redact(exchange.Target))
            .Add("port", destination.Authority.Port)
            .Add("protocol", exchange.Http.Request.Protocol)
            .Add("rule", rule)
            .Add("scheme", destination.Scheme);
        if (!exchange.Injections.IsEmpty)
            payload = payload.Add("grant", exchange.GrantNames);
        if (exchange.PolicyRule.Length > 0)
            payload = payload.Add("policy", exchange.PolicyRule);
        if (exchange.WouldDeny.Length > 0)
            payload = payload.Add("would_deny", exchange.WouldDeny);
        return audit.AppendIntentAsync(AuditTypes.RequestIntent, payload);
    }

    /// <param name="failure">Empty when the exchange went through.</param>
    public void RequestOutcome(Exchange exchange, string failure)
    {
        var payload = AuditPayload.Create()
            .Add("bytes_in", exchange.BytesIn)
            .Add("bytes_out", exchange.BytesOut)
            .Add("intent", exchange.Intent)
            .Add("ms", exchange.ElapsedMilliseconds)
            .Add("status", exchange.Http.Response.StatusCode);
        if (failure.Length > 0)
            payload = payload.Add("error", exchange.Redactor.Redact(failure));
        Append(AuditTypes.RequestOutcome, payload);
    }

    /// <summary>A session of another protocol than HTTP, by a grant's login. Completes when the record is durable.</summary>
    /// <exception cref="AuditUnavailableException">The log takes no more records.</exception>
    public ValueTask<long> SessionIntentAsync(UnlockedGrant grant, string operation, string database, string rule, string wouldDeny)
    {
        var target = grant.Database!;
        var payload = AuditPayload.Create()
            .Add("database", redactor.Current.Redact(database))
            .Add("grant", grant.Name)
            .Add("host", target.Host)
            .Add("operation", operation)
            .Add("port", target.Port)
            .Add("rule", rule)
            .Add("scheme", grant.Name[..grant.Name.IndexOf(':', StringComparison.Ordinal)])
            .Add("tls", target.Tls == DatabaseTls.VerifyFull)
            .Add("user", target.User);
        if (wouldDeny.Length > 0)
            payload = payload.Add("would_deny", wouldDeny);
        return audit.AppendIntentAsync(AuditTypes.SessionIntent, payload);
    }

    /// <param name="failure">Empty when the session ended by itself.</param>
    public void SessionOutcome(long intent, long bytesIn, long bytesOut, long milliseconds, string failure)
    {
        var payload = AuditPayload.Create().Add("bytes_in", bytesIn).Add("bytes_out", bytesOut).Add("intent", intent).Add("ms", milliseconds);
        if (failure.Length > 0)
            payload = payload.Add("error", redactor.Current.Redact(failure));
        Append(AuditTypes.SessionOutcome, payload);
    }

    public void RequestDenied(Refusal refusal, string host, int port, string method, string target)
    {
        var mask = redactor.Current;
        (refusal, host, method, target) = (Masked(refusal), mask.Redact(host), mask.Redact(method), mask.Redact(target));
        Append(AuditTypes.RequestDenied, Describe(refusal, host, port).Add("method", method).Add("path", target));
        Tell(refusal, host, port, method, target);
    }

    /// <summary>What goes to an MCP server; durable with the intent that follows.</summary>
    /// <exception cref="AuditUnavailableException">The log takes no more records.</exception>
    public void McpMessages(Exchange exchange)
    {
        if (exchange.Mcp is not { } mcp)
            return;
        foreach (var message in mcp.Messages)
            audit.Append(AuditTypes.McpCall, McpRecords.Of(mcp.Server, message, exchange.Redactor, denial: null, exchange.WouldDeny));
    }

    public void McpDenied(string server, McpMessage message, Refusal denial) =>
        Append(AuditTypes.McpCall, McpRecords.Of(server, message, redactor.Current, denial, wouldDeny: ""));

    public void McpToolChanged(string server, McpPin pin) => Append(AuditTypes.McpToolChanged, McpRecords.Of(server, pin, redactor.Current));

    public void ConnectDenied(Refusal refusal, string host, int port)
    {
        (refusal, host) = (Masked(refusal), redactor.Current.Redact(host));
        Append(AuditTypes.ConnectDenied, Describe(refusal, host, port));
        Tell(refusal, host, port, method: null, target: null);
    }

    /// <exception cref="AuditUnavailableException">The log takes no more records: the query must not be answered.</exception>
    public void DnsQuery(DnsEvent query)
    {
        var mask = redactor.Current;
        var name = mask.Redact(query.Name);
        var payload = AuditPayload.Create()
            .Add("count", query.Count)
            .Add("name", name)
            .Add("outcome", query.Outcome)
            .Add("rule", query.Verdict.Rule)
            .Add("type", query.Type);
        if (query.Verdict.Reason.Length > 0)
            payload = payload.Add("reason", mask.Redact(query.Verdict.Reason));
        audit.Append(AuditTypes.DnsQuery, payload);
        if (!query.Verdict.Allowed && query.Count == 1)
            Tell(Masked(new Refusal(0, DenialKind.Policy, query.Verdict.Rule, query.Verdict.Reason, query.Verdict.HowToAllow)), name, 0, "DNS", target: null);
    }

    private Refusal Masked(Refusal refusal)
    {
        var mask = redactor.Current;
        return refusal with { Reason = mask.Redact(refusal.Reason), HowToAllow = mask.Redact(refusal.HowToAllow) };
    }

    private static AuditPayload Describe(Refusal refusal, string host, int port) => AuditPayload.Create()
        .Add("host", host)
        .Add("kind", refusal.Kind)
        .Add("port", port)
        .Add("reason", refusal.Reason)
        .Add("rule", refusal.Rule);

    private void Append(string type, AuditPayload payload)
    {
        try
        {
            audit.Append(type, payload);
        }
        catch (AuditUnavailableException)
        {
            // A denial or an outcome has no effect to hold back. The log itself announces its failure
            // (AuditLog.Failed), and every later intent is refused.
        }
    }

    private void Tell(Refusal refusal, string host, int port, string? method, string? target) =>
        onDenied?.Invoke(new Denial(DateTimeOffset.UtcNow, refusal.Kind, host, port, method, target, refusal.Rule, refusal.Reason, refusal.HowToAllow));

    private static string DoorName(DoorKind kind) => kind switch
    {
        DoorKind.Http => "http",
        DoorKind.Https => "https",
        DoorKind.Proxy => "proxy",
        _ => "tunnel",
    };
}
