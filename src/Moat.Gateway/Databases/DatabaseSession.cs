using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Upstream;
using Moat.Policy;

namespace Moat.Gateway.Databases;

/// <summary>
/// One connection of a client to a database, from its first byte to its record's last.
/// <code>
///              (1) decide   (2) client's hello   (3) record intent   (4) dial, TLS
///                 │            │ TLS as the host     │ durable          │ dial guard, verified
///   client ───────▼────────────▼─────────────────────▼──────────────────▼─────► (5) log in ──► server
///          closed, recorded                                                       │ the grant's user and password
///   client ◄── (7) record outcome ◄── bytes both ways, secrets masked ◄── (6) told it is in
/// </code>
/// (2) to (5) are the protocol's own dance (<see cref="DatabaseHandshake"/>); whatever user and password the client names, the
/// grant's go up. (6) Commands that would change the identity or tell the password end the session.
/// </summary>
internal sealed class DatabaseSession(DatabaseServices services, UnlockedGrant grant, CanonicalHost host, Socket client)
{
    private static readonly TimeSpan s_handshake = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken stop)
    {
        var target = grant.Database!;

        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var live = services.Traffic.Enter(host, target.Port, () => services.Gate.Session(grant.Name, host, target.Port, out _), cut.Cancel);

        // 1
        if (Decide(target, out var rule, out var wouldDeny) is { } refusal)
        {
            services.Recorder.ConnectDenied(refusal, host.Value, target.Port);
            return;
        }
        using var ending = new SessionEnd(grant, cut.Token);
        var link = new DatabaseLink(services, grant, host, client, rule, wouldDeny);
        var started = Stopwatch.GetTimestamp();
        var failure = "";
        try
        {
            failure = await ServeAsync(link, ending.Token).ConfigureAwait(false);
            if (failure.Length == 0 && ending.Token.IsCancellationRequested) failure = grant.RevokedReason is { } reason ? $"the grant was revoked: {reason}" : live?.Ended ?? "the run ended";
        }
        finally
        {
            await link.DisposeAsync().ConfigureAwait(false);

            // 7
            if (link.Intent is { } intent) services.Recorder.SessionOutcome(intent, link.BytesIn, link.BytesOut, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, failure);
            else if (failure.Length > 0) services.Recorder.ConnectDenied(new Refusal(400, DenialKind.Protocol, "a session by its protocol", failure, "speak the protocol of the grant"), host.Value, target.Port);
        }
    }

    private Refusal? Decide(DatabaseTarget target, out string rule, out string wouldDeny)
    {
        wouldDeny = "";
        var decision = services.Policy.DecideRequest(host, target.Port, "CONNECT", "/");
        rule = decision.Rule;
        if (!decision.Allowed) return Refusal.ByPolicy(decision);
        if (grant.RevokedReason is { } reason) return new Refusal(403, DenialKind.Grant, $"grant {grant.Name}", $"the grant {grant.Name} cannot be used: {reason}", $"moat grant {grant.Name}");
        return services.Gate.Session(grant.Name, host, target.Port, out wouldDeny);
    }

    /// <returns>What went wrong; empty when nothing did.</returns>
    private async Task<string> ServeAsync(DatabaseLink link, CancellationToken ending)
    {
        DatabaseHandshake handshake = grant.Database!.Kind switch
        {
            DatabaseKind.Postgres => new PostgresHandshake(link),
            DatabaseKind.MySql => new MySqlHandshake(link),
            _ => new RedisHandshake(link),
        };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending);
        patience.CancelAfter(s_handshake);
        try
        {
            // 2 to 5
            if (!await handshake.RunAsync(patience.Token).ConfigureAwait(false)) return "";

            // 6
            await new DatabaseRelay(link, handshake.Answers, handshake.Commands).RunAsync(ending).ConfigureAwait(false);
            return "";
        }
        catch (Exception e)
        {
            var reason = Reason(e, ending.IsCancellationRequested);
            if (reason.Length > 0 && e is not SessionException { IsTold: true }) await TellAsync(handshake, reason).ConfigureAwait(false);
            return reason;
        }
        finally
        {
            handshake.End();
        }
    }

    /// <exception cref="Exception">What is nobody's fault but ours passes.</exception>
    private string Reason(Exception failure, bool ended)
    {
        if (ended) return "";
        switch (failure)
        {
            case SessionException:
                return failure.Message;
            case EndOfStreamException:
                return "the connection ended in the middle of the login";
            case OperationCanceledException:
                return "the login took too long";
            case AuditUnavailableException:
                return "the audit log cannot be written";
            case UpstreamException or IOException or SocketException or AuthenticationException:
                return UpstreamException.From(failure, host.Value, grant.Database!.Port).Message;
            case ObjectDisposedException when grant.IsRevoked:
                return "the grant was revoked";
            default:
                throw failure;
        }
    }

    private static async Task TellAsync(DatabaseHandshake handshake, string reason)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await handshake.TellAsync("moat: " + reason, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or InvalidOperationException or NotSupportedException)
        {
            // The client is gone, or its TLS was cut in the middle of a record: the reason stands in the log.
        }
    }
}
