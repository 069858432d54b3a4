using Moat.Audit;
using Moat.Credentials.Ssh;
using Moat.Gateway.Ssh;

namespace Moat.Gateway.Pipeline;

/// <summary>The records of SSH: connections that are relayed, and signatures.</summary>
internal sealed partial class Recorder
{
    /// <summary>Completes when the record is durable; only then may the connection be made.</summary>
    /// <exception cref="AuditUnavailableException">The log takes no more records.</exception>
    public ValueTask<long> ConnectIntentAsync(string host, int port, string rule, string grant) => audit.AppendIntentAsync(AuditTypes.ConnectIntent, AuditPayload.Create()
        .Add("grant", grant).Add("host", redactor.Current.Redact(host)).Add("port", port).Add("protocol", "SSH").Add("rule", rule));

    /// <param name="bytesIn">From the client to the host.</param>
    /// <param name="bytesOut">From the host to the client.</param>
    /// <param name="error">Empty when the connection ended as both sides wanted.</param>
    public void ConnectOutcome(long intent, long bytesIn, long bytesOut, long milliseconds, string error)
    {
        var payload = AuditPayload.Create().Add("bytes_in", bytesIn).Add("bytes_out", bytesOut).Add("intent", intent).Add("ms", milliseconds);
        if (error.Length > 0) payload = payload.Add("error", error);
        Append(AuditTypes.ConnectOutcome, payload);
    }

    /// <summary>Completes when the record is durable; only then may the key be used.</summary>
    /// <exception cref="AuditUnavailableException">The log takes no more records.</exception>
    public ValueTask<long> SignatureIntentAsync(SshAccess access, SignatureUse use) => audit.AppendIntentAsync(AuditTypes.SignatureIntent, AuditPayload.Create()
        .Add("grant", access.Grant).Add("host", access.Host).Add("key", access.Key.Fingerprint).Add("purpose", use.Purpose).Add("user", redactor.Current.Redact(use.User)));

    /// <param name="error">Empty when the signature was made.</param>
    public void SignatureOutcome(long intent, string error)
    {
        var payload = AuditPayload.Create().Add("intent", intent);
        if (error.Length > 0) payload = payload.Add("error", error);
        Append(AuditTypes.SignatureOutcome, payload);
    }

    /// <param name="host">Empty where no granted host is meant.</param>
    /// <param name="key">The fingerprint; empty where no key is named.</param>
    public void SignatureDenied(Refusal refusal, string host, string key)
    {
        Append(AuditTypes.SignatureDenied, Describe(refusal, host, SshGrant.Port).Add("key", key));
        Tell(refusal, host.Length > 0 ? host : "ssh-agent", SshGrant.Port, method: null, target: null);
    }
}
