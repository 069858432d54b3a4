#pragma warning disable
using System.Net;
using System.Net.Sockets;
using Moat.Spec;
using Moat.Audit;
namespace Moat.Policy
{
    public readonly record struct CanonicalHost
    {
        public string Value { get; init; }
        public bool IsIp => Address is not null;
        public IPAddress? Address { get; init; }
        public static bool TryParse(ReadOnlySpan<char> s, out CanonicalHost h, out string error) { error = ""; h = new CanonicalHost { Value = s.ToString().ToLowerInvariant(), Address = IPAddress.TryParse(s, out var a) ? a : null }; return s.Length > 0; }
    }
    public readonly record struct Decision(bool Allowed, string Rule, string Reason, string HowToAllow);
    public sealed class NetworkPolicy
    {
        NetworkSpec _s;
        public static NetworkPolicy Compile(NetworkSpec s) => new() { _s = s };
        public Decision DecideHost(in CanonicalHost h, int port) { var v = h.Value; return _s.Mode == NetworkMode.Permissive || _s.Rules.Any(r => r.Host == v && (r.Port == null ? port is 80 or 443 : r.Port == port)) ? new(true, "r", "", "") : new(false, "default", "no rule", "add"); }
        public Decision DecideRequest(in CanonicalHost h, int port, string m, string p) => DecideHost(h, port);
        public bool HasRequestRules(in CanonicalHost h, int port) => false;
    }
}
namespace Moat.Gateway.Upstream
{
    internal class UpstreamDeniedException(string s) : Exception(s);
    internal sealed class UpstreamDialer(Moat.Policy.NetworkPolicy p, NetworkSpec n, AuditLog? a)
    {
        public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext c, CancellationToken ct)
        {
            var s = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            EndPoint ep = n.Resolve.TryGetValue(c.DnsEndPoint.Host, out var to) ? IPEndPoint.Parse(to) : c.DnsEndPoint;
            await s.ConnectAsync(ep, ct); return new NetworkStream(s, true);
        }
    }
}
namespace Moat.Gateway.Dns
{
    internal sealed class SyntheticNames { public bool TryGetName(IPAddress a, out Moat.Policy.CanonicalHost h) { h = default; return false; } }
    internal static class DnsResponder { public static async Task<IAsyncDisposable> StartAsync(IReadOnlyList<SafeSocketHandle> u, IReadOnlyList<SafeSocketHandle> t, Moat.Policy.NetworkPolicy p, SyntheticNames n, AuditLog a, CancellationToken c) => new MemoryStream(); }
}
