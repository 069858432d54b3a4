using Moat.Credentials;
using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Mcp;

/// <summary>
/// Judges what goes to MCP servers (streamable HTTP and the events of revision 2024-11-05) by server, tool and arguments,
/// before any of it leaves. A batch with one member that is denied is denied as a whole, so that the server never gets a
/// message that nobody sent.
/// </summary>
internal sealed class McpGate(IReadOnlyList<UnlockedGrant> grants, PolicyGate gate, McpPins pins, Recorder recorder)
{
    /// <summary>Bytes of all messages that are looked into at a time.</summary>
    private const long MaxHeld = 128L * 1024 * 1024;

    private readonly McpServers _servers = new(grants, gate);
    private readonly HeldBytes _held = new(MaxHeld);

    /// <summary>Why the request may not go out; null when it may. What it asks is noted on the exchange.</summary>
    public async ValueTask<Refusal?> JudgeAsync(Exchange exchange)
    {
        var request = exchange.Http.Request;
        var known = _servers.IsKnown(exchange.Destination);
        if (!known && !McpServers.Announces(request))
            return null;
        var authority = exchange.Destination.Authority;
        var server = RequestPolicy.McpServerName(authority.Host, authority.Port);
        if (known && gate.DecidesOnTools && IsUpgrade(exchange))
            return new Refusal(403, DenialKind.Mcp, "MCP over HTTP", "the policy decides on this server's tools, and MCP over a WebSocket is not looked into", "use the server's HTTP endpoint");

        McpBody? body = null;
        using (var buffer = new HeldBuffer(_held, McpRequestBody.MaxLength))
        {
            var (json, refusal) = await McpRequestBody.ReadAsync(request, buffer, known);
            if (refusal is not null)
                return McpDenials.Unread(refusal, authority.Host.Value);
            if (json is { } text)
            {
                body = McpBody.Parse(text, out var error);
                if (body is null && known)
                    return McpDenials.Unread(McpRequestBody.Refuse(400, error), authority.Host.Value);
            }
        }
        if (!known && (body is null || body.Messages.Count == 0))
            return null;
        exchange.Mcp = new McpExchange(server, body, _servers, pins, _held);
        if (body is null)
            return null;
        foreach (var message in body.Messages)
        {
            if (Denial(exchange, message) is { } denial)
            {
                RecordDenied(exchange, message, denial);
                return McpDenials.For(denial, body, authority.Host.Value, _servers.IsEndpoint(server, exchange.Target));
            }
        }
        return null;
    }

    /// <summary>Why what is under way may not go on; null when it may.</summary>
    public Refusal? Rejudge(Exchange exchange)
    {
        if (!gate.DecidesOnTools)
            return null;
        if (exchange.Mcp is not { } mcp)
            return _servers.IsKnown(exchange.Destination) ? new Refusal(403, DenialKind.Mcp, "MCP over HTTP", "the policy decides on this server's tools, and this was not looked into when it began", "send it again") : null;
        foreach (var message in mcp.Messages)
        {
            if (message.Call is { } call && message.Unjudged is null && gate.Tool(exchange, call) is { } denial)
                return denial;
        }
        return null;
    }

    private Refusal? Denial(Exchange exchange, McpMessage message)
    {
        if (message.Call is not { } call)
            return null;
        if (message.Unjudged is { } reason && gate.DecidesOnTools)
            return McpRequestBody.Refuse(403, reason);
        return gate.Tool(exchange, call) ?? (pins.Denial(exchange.Mcp!.Server, call.Tool) is { } changed
            ? new Refusal(403, DenialKind.Mcp, changed.Rule, changed.Reason, changed.HowToAllow)
            : null);
    }

    private void RecordDenied(Exchange exchange, McpMessage denied, Refusal denial)
    {
        foreach (var message in exchange.Mcp!.Messages)
            recorder.McpDenied(exchange.Mcp.Server, message, ReferenceEquals(message, denied) ? denial : denial with { Reason = "another message of the batch is denied" });
    }

    private static bool IsUpgrade(Exchange exchange) =>
        exchange.Http.Request.Headers.Upgrade.Count > 0 || exchange.Http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
}
