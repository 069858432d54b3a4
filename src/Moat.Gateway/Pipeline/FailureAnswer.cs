using Moat.Gateway.Aws;
using Moat.Gateway.Redaction;
using Moat.Gateway.Upstream;
using Yarp.ReverseProxy.Forwarder;

namespace Moat.Gateway.Pipeline;

/// <summary>What the agent is told when the way upstream failed. Never quotes what was sent.</summary>
internal static class FailureAnswer
{
    public static Refusal For(ForwarderError error, Exception? exception, string host, int port)
    {
        for (var at = exception; at is not null; at = at.InnerException)
        {
            if (at is AwsPayloadException unsigned)
                return new Refusal(400, DenialKind.Grant, "grant aws", $"the request to AWS is not signed anew: {unsigned.Message}", "send the body's hash, or smaller chunks that are signed with the placeholder");
        }
        switch (error)
        {
            case ForwarderError.RequestBodyClient:
                return new Refusal(400, DenialKind.Protocol, "a complete request body", "the request's body ended early or was malformed", "send the whole body");
            case ForwarderError.RequestCreation:
                return new Refusal(400, DenialKind.Protocol, "HTTP, unambiguous", "the request cannot be forwarded as it is", "check its header lines");
            case ForwarderError.RequestTimedOut:
                return Upstream($"{host}:{port} did not answer in time", 504);
        }
        for (var at = exception; at is not null; at = at.InnerException)
        {
            if (at is RedactionRefusedException refused)
                return Upstream(refused.Message);
        }
        var failure = exception is null ? new UpstreamException(UpstreamFailure.Broken, $"the connection to {host}:{port} broke") : UpstreamException.From(exception, host, port);
        return failure.Kind == UpstreamFailure.AddressDenied
            ? new Refusal(403, DenialKind.Address, "address guard", failure.Message, $"name {host}:{port} itself in a network rule, or map it with network.resolve")
            : Upstream(failure.Message);
    }

    private static Refusal Upstream(string reason, int status = 502) =>
        new(status, DenialKind.Upstream, "none", reason, "nothing is blocked: look at the upstream, or at network.resolve and network.ca");
}
