using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// The run's Cedar policy as the gateway asks it, beside the network rules: a request goes out where both say yes. In
/// shadow mode its no is recorded with the request and holds nothing back.
/// </summary>
internal sealed class PolicyGate(RequestPolicy? policy, bool shadow)
{
    /// <summary>True when the answer hangs on method or path, so that a method override header would change the meaning.</summary>
    public bool DecidesOnRequests => policy is not null && !shadow && (policy.GovernsRequests || policy.GovernsCredentials);

    /// <summary>Why no connection may go to a host and port; null when one may.</summary>
    public Refusal? Connect(in CanonicalHost host, int port)
    {
        if (policy is null || shadow) return null;
        var decision = policy.DecideConnect(host, port);
        return decision.Allowed ? null : Refusal.ByPolicy(decision);
    }

    /// <summary>Why a request may not go out; null when it may. What was decided is noted on the exchange.</summary>
    public Refusal? Request(Exchange exchange, string method)
    {
        if (policy is null) return null;
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
        if (policy is null) return null;
        var (host, port) = (exchange.Destination.Authority.Host, exchange.Destination.Authority.Port);
        foreach (var injection in exchange.Injections)
        {
            var decision = policy.DecideCredential(injection.Grant.Name, host, port, method, exchange.Target);
            if (!decision.Allowed) return Denied(exchange, decision);
        }

        return null;
    }

    /// <summary>Why no session with a grant's login may be had, as <c>CONNECT /</c>; null when one may.</summary>
    /// <param name="wouldDeny">In shadow mode the statement that would have denied it; otherwise empty.</param>
    public Refusal? Session(string grant, in CanonicalHost host, int port, out string wouldDeny)
    {
        wouldDeny = "";
        if (policy is null) return null;
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
