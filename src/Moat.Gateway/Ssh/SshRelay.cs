using System.Diagnostics;
using System.Net.Sockets;
using Moat.Audit;
using Moat.Credentials;
using Moat.Credentials.Ssh;
using Moat.Gateway.Dns;
using Moat.Gateway.Doors;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Upstream;
using Moat.Policy;

namespace Moat.Gateway.Ssh;

/// <summary>
/// Port 22 of every address. The address stands for its name, the name has to have a grant, and the policy to allow it;
/// then bytes go through as they are, to that host's port 22 and nowhere else.
/// </summary>
internal sealed class SshRelay(SyntheticNames names, SshGrants grants, NetworkPolicy policy, PolicyGate gate, LiveTraffic traffic, UpstreamDialer dialer, Recorder recorder)
{
    public const int MaxConnections = 64;
    private const string Rule = "SSH goes to granted hosts alone";

    public Task ServeAsync(Socket client, CancellationToken stop) => ServeAsync(client, TransparentDoor.Behind(client.LocalEndPoint, names), stop);

    /// <param name="host">What the client meant; null where that is not known.</param>
    internal async Task ServeAsync(Socket client, CanonicalHost? host, CancellationToken stop)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var live = host is { } meant ? traffic.Enter(meant, SshGrant.Port, () => gate.Connect(meant, SshGrant.Port), cut.Cancel) : null;
        var (grant, rule, refusal) = Decide(host);
        if (refusal is not null || host is not { } known || grant is null)
        {
            recorder.ConnectDenied(refusal!, host?.Value ?? "", SshGrant.Port);
            // A reset, so that the client knows at once.
            client.Close(0);
            return;
        }
        long intent;
        try
        {
            intent = await recorder.ConnectIntentAsync(known.Value, SshGrant.Port, rule, grant.Name).ConfigureAwait(false);
        }
        catch (AuditUnavailableException)
        {
            // No record, no connection. The log tells of its failure itself, and the run ends.
            client.Close(0);
            return;
        }
        await RelayAsync(client, known, grant, intent, live, cut.Token).ConfigureAwait(false);
    }

    private (UnlockedGrant? Grant, string Rule, Refusal? Refusal) Decide(CanonicalHost? host)
    {
        if (host is not { } known) return (null, "", Denied("the address belongs to no name that was resolved here", "connect to a granted host by its name"));
        if (grants.For(known.Value) is not { } grant) return (null, "", Denied("no grant is for SSH to this host", $"moat grant ssh --host {known.Value}, then run with --grant ssh:{known.Value}"));
        if (grant.RevokedReason is { } reason) return (grant, "", Denied($"the grant {grant.Name} is no good any more: {reason}", $"moat grant {grant.Name}"));
        var decision = policy.DecideHost(known, SshGrant.Port);
        return (grant, decision.Rule, decision.Allowed ? gate.Connect(known, SshGrant.Port) : Refusal.ByPolicy(decision));
    }

    private static Refusal Denied(string reason, string mend) => new(403, DenialKind.Grant, Rule, reason, mend);

    private async Task RelayAsync(Socket client, CanonicalHost host, UnlockedGrant grant, long intent, LiveTraffic.Live? live, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        using var end = new SessionEnd(grant, stop);
        var (sent, received, error) = (new ByteCount(), new ByteCount(), "");
        try
        {
            using var upstream = await dialer.DialAsync(host.Value, SshGrant.Port, end.Token).ConfigureAwait(false);
            using var inside = new NetworkStream(client, ownsSocket: false);
            var there = CopyAsync(inside, upstream, ((NetworkStream)upstream).Socket, sent, end);
            var back = CopyAsync(upstream, inside, client, received, end);
            await Task.WhenAll(there, back).ConfigureAwait(false);
        }
        catch (UpstreamException e)
        {
            error = e.Message;
            if (e.Kind == UpstreamFailure.AddressDenied) recorder.ConnectDenied(new Refusal(403, DenialKind.Address, Rule, e.Message, ""), host.Value, SshGrant.Port);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            error = grant.IsRevoked ? "the grant was revoked" : live?.Ended ?? (stop.IsCancellationRequested ? "the run ended" : "the connection broke");
        }
        finally
        {
            if (error.Length > 0) client.Close(0);
            recorder.ConnectOutcome(intent, sent.Value, received.Value, (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds, error);
        }
    }

    /// <summary>Until the source ends, which the target is told; a failure ends both directions.</summary>
    private static async Task CopyAsync(Stream from, Stream to, Socket target, ByteCount count, SessionEnd end)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, end.Token).ConfigureAwait(false) is > 0 and var length)
            {
                await to.WriteAsync(buffer.AsMemory(0, length), end.Token).ConfigureAwait(false);
                count.Value += length;
            }
            target.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            end.Cancel();
            throw;
        }
    }

    private sealed class ByteCount
    {
        public long Value { get; set; }
    }
}
