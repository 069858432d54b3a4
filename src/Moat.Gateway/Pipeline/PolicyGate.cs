using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// The run's Cedar policy as the gateway asks it, beside the network rules: a request goes out where both say yes. In
/// shadow mode its no is recorded with the request and holds nothing back.
/// </summary>
internal sealed class PolicyGate(RequestPolicy? policy, bool shadow)
{
    private volatile RequestPolicy? _policy = policy;

    /// <summary>True when the run has a policy; it can be replaced by another, and never by none.</summary>
    public bool HasPolicy => _policy is not null;

    /// <summary>Every question after this is the new policy's.</summary>
    public void Replace(RequestPolicy by) => _policy = by;

    /// <summary>True when the answer hangs on method or path, so that a method override header would change the meaning.</summary>
    public bool DecidesOnRequests => _policy is { } policy && !shadow && (policy.GovernsRequests || policy.GovernsCredentials || policy.GovernsMcp);

    /// <summary>True when the policy decides on the tools of MCP servers and is held to.</summary>
    public bool DecidesOnTools => !shadow && _policy is { GovernsMcp: true };

    /// <summary>True when a statement about tools names the MCP server at the host and port.</summary>
    public bool NamesMcpServer(in CanonicalHost host, int port) => _policy is { } policy && policy.NamesMcpServer(host, port);

    /// <summary>Why no connection may go to a host and port; null when one may.</summary>
    public Refusal? Connect(in CanonicalHost host, int port)
    {
        if (shadow || _policy is not { } policy) return null;
        var decision = policy.DecideConnect(host, port);
        return decision.Allowed ? null : Refusal.ByPolicy(decision);
    }

    /// <summary>Why a grant's key may not sign for a host; null when it may. The policy sees the method SIGN and the path /.</summary>
    public Refusal? Signature(string grant, in CanonicalHost host, int port)
    {
        if (shadow || _policy is not { } policy) return null;
        var decision = policy.DecideCredential(grant, host, port, "SIGN", "/");
        return decision.Allowed ? null : Refusal.ByPolicy(decision);
    }

    /// <summary>Why a request may not go out; null when it may. What was decided is noted on the exchange.</summary>
    public Refusal? Request(Exchange exchange, string method)
    {
        if (_policy is not { } policy) return null;
        var (host, port) = (exchange.Destination.Authority.Host, exchange.Destination.Authority.Port);
        var connection = policy.DecideConnect(host, port);
        if (!connection.Allowed) return Denied(exchange, connection);
        var request = policy.DecideRequest(host, port, method, exchange.Target);
        if (!request.Allowed) return Denied(exchange, request);
        exchange.PolicyRule = request.Rule.Length > 0 ? request.Rule : connection.Rule;
        return null;
    }

    /// <summary>Why a request may not carry the credentials that were chosen for it; null when it may.</summary>
    public Refusal? Credentials(Exchange exchange, string method)
    {
        if (_policy is not { } policy) return null;
        var (host, port) = (exchange.Destination.Authority.Host, exchange.Destination.Authority.Port);
        foreach (var injection in exchange.Injections)
        {
            var decision = policy.DecideCredential(injection.Grant.Name, host, port, method, exchange.Target);
            if (!decision.Allowed) return Denied(exchange, decision);
        }

        return null;
    }

    /// <summary>Why a request that is under way may not go on; null when it may.</summary>
    public Refusal? Again(Exchange exchange, string method)
    {
        if (shadow || _policy is not { } policy) return null;
        var (host, port) = (exchange.Destination.Authority.Host, exchange.Destination.Authority.Port);
        if (policy.DecideConnect(host, port) is { Allowed: false } connection) return Refusal.ByPolicy(connection);
        if (policy.DecideRequest(host, port, method, exchange.Target) is { Allowed: false } request) return Refusal.ByPolicy(request);
        foreach (var injection in exchange.Injections)
        {
            if (policy.DecideCredential(injection.Grant.Name, host, port, method, exchange.Target) is { Allowed: false } credential) return Refusal.ByPolicy(credential);
        }

        return null;
    }

    /// <summary>Why a tool may not be called; null when it may.</summary>
    public Refusal? Tool(Exchange exchange, McpCall call)
    {
        if (_policy is not { } policy) return null;
        var decision = policy.DecideMcp(exchange.Destination.Authority.Host, exchange.Destination.Authority.Port, call);
        return decision.Allowed ? null : Denied(exchange, decision);
    }

    /// <summary>Why no session with a grant's login may be had, as <c>CONNECT /</c>; null when one may.</summary>
    /// <param name="wouldDeny">In shadow mode the statement that would have denied it; otherwise empty.</param>
    public Refusal? Session(string grant, in CanonicalHost host, int port, out string wouldDeny)
    {
        wouldDeny = "";
        if (_policy is not { } policy) return null;
        var decision = policy.DecideConnect(host, port);
        if (decision.Allowed) decision = policy.DecideCredential(grant, host, port, "CONNECT", "/");
        if (decision.Allowed) return null;
        if (!shadow) return Refusal.ByPolicy(decision);
        wouldDeny = decision.Rule;
        return null;
    }


    private Refusal? Denied(Exchange exchange, in Decision decision)
    {
        if (!shadow) return Refusal.ByPolicy(decision);
        if (exchange.WouldDeny.Length == 0) exchange.WouldDeny = decision.Rule;
        return null;
    }
}
