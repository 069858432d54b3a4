using System.Collections.Concurrent;
using Moat.Credentials;
using Moat.Gateway.Certificates;
using Moat.Gateway.Dns;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Upstream;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Databases;

/// <summary>What the sessions with databases share with the rest of the gateway.</summary>
internal sealed record DatabaseServices(
    NetworkPolicy Policy, PolicyGate Gate, LiveTraffic Traffic, IReadOnlyList<UnlockedGrant> Grants, NetworkSpec Network, SyntheticNames Names,
    LeafCertificates Certificates, UpstreamDialer Dialer, Recorder Recorder, RunRedactor Redactor)
{
    /// <summary>Keys that PostgreSQL servers gave to sessions of this run which are still open, for requests to cancel.</summary>
    public ConcurrentDictionary<(string Grant, string Key), byte> CancelKeys { get; } = new();
}
