using Moat.Gateway.Identity;
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

    /// <summary>Why a request may not go out with its credentials; null when it may. What was decided is noted on the exchange.</summary>
    public Refusal? Request(Exchange exchange, string method)
    {
        if (policy is null) return null;
        var decision = Decide(policy, exchange.Destination, method, exchange.Target);
        if (decision.Allowed)
        {
            exchange.PolicyRule = decision.Rule;
            return null;
        }

        if (!shadow) return Refusal.ByPolicy(decision);
        exchange.WouldDeny = decision.Rule;
        return null;
    }

    private static Decision Decide(RequestPolicy policy, Destination destination, string method, string target)
    {
        var (host, port) = (destination.Authority.Host, destination.Authority.Port);
        var decision = policy.DecideConnect(host, port);
        if (!decision.Allowed) return decision;
        var request = policy.DecideRequest(host, port, method, target);
        if (!request.Allowed) return request;
        foreach (var injection in destination.Injections)
        {
            var credential = policy.DecideCredential(injection.Grant.Name, host, port, method, target);
            if (!credential.Allowed) return credential;
        }

        return request.Rule.Length > 0 ? request : decision;
    }
}
