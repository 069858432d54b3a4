using Moat.Audit;
using Moat.Credentials.Ssh;
using Moat.Gateway.Pipeline;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Ssh;

/// <summary>
/// One connection to the sandbox's ssh-agent (draft-miller-ssh-agent).
/// <code>
///   list ──────────────────────────────► granted keys (those of the bound host, once bound)
///   session-bind ─► host key pinned? signed by it? not forwarded? ─► bound, once
///   sign ─┬─ login: bound? this session's? key granted for this host? ─┬─► policy ─► record ─► signature
///         └─ commit: namespace git? grant says so? ────────────────────┘
///   all else ──────────────────────────► failure
/// </code>
/// </summary>
internal sealed class SshAgentSession(SshGrants grants, PolicyGate gate, Recorder recorder)
{
    private const string Rule = "the agent signs for the granted host alone";
    private static readonly byte[] s_failure = [SshAgentMessage.Failure];
    private static readonly byte[] s_success = [SshAgentMessage.Success];

    private SessionBinding? _binding;

    /// <summary>The answer to one message, both without their lengths. Never throws for what a client sent.</summary>
    public async ValueTask<byte[]> AnswerAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        switch (message.Span is [var type, ..] ? type : 0)
        {
            case SshAgentMessage.RequestIdentities when message.Length == 1:
                return Identities();
            case SshAgentMessage.Extension:
                return Bind(message.Span) ? s_success : s_failure;
            case SshAgentMessage.SignRequest:
                return await SignAsync(message, ct).ConfigureAwait(false) is { } signature
                    ? new SshWriter().Byte(SshAgentMessage.SignResponse).String(signature).ToArray()
                    : s_failure;
            default:
                return s_failure;
        }
    }

    private byte[] Identities()
    {
        var granted = grants.Current.Where(access => _binding is null || access.HostKeys.Contains(_binding.HostKey)).DistinctBy(access => access.Key).ToArray();
        var answer = new SshWriter().Byte(SshAgentMessage.IdentitiesAnswer).UInt32((uint)granted.Length);
        foreach (var access in granted) answer.String(access.Key.Blob).String(access.Grant);
        return answer.ToArray();
    }

    private bool Bind(ReadOnlySpan<byte> message)
    {
        var reader = new SshReader(message[1..]);
        // A question for what else there might be is no attack: no record.
        if (reader.Text() != SshAgentMessage.SessionBind) return false;
        var binding = SessionBinding.Read(reader, message, out var problem);
        if (binding is not null && !grants.Current.Any(access => access.HostKeys.Contains(binding.HostKey)))
            problem = $"the host key {binding.HostKey.Fingerprint} is pinned for no granted host";
        else if (binding is not null && _binding is { } earlier && !earlier.IsSameAs(binding))
            problem = "the connection is bound to another session already";
        if (problem.Length > 0)
        {
            Deny("", "", problem, "moat grant show names the pinned keys");
            return false;
        }
        _binding = binding;
        return true;
    }

    private async ValueTask<byte[]?> SignAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        var (key, data, flags) = ReadRequest(message);
        if (key is null)
        {
            Deny("", "", "the request names no key that is used here", "ask for a key that the agent lists");
            return null;
        }
        return SignedText.Is(data.Span) ? await SignCommitAsync(key, data, flags, ct).ConfigureAwait(false) : await SignLoginAsync(key, data, flags, ct).ConfigureAwait(false);
    }

    private static (SshPublicKey? Key, ReadOnlyMemory<byte> Data, uint Flags) ReadRequest(ReadOnlyMemory<byte> message)
    {
        var reader = new SshReader(message.Span[1..]);
        var key = SshPublicKey.Read(reader.String());
        var start = message.Length - reader.Rest.Length + sizeof(uint);
        var length = reader.String().Length;
        var flags = reader.UInt32();
        return reader.IsAtEnd ? (key, message.Slice(start, length), flags) : default;
    }

    private async ValueTask<byte[]?> SignLoginAsync(SshPublicKey key, ReadOnlyMemory<byte> data, uint flags, CancellationToken ct)
    {
        if (_binding is not { } binding)
        {
            Deny("", key.Fingerprint, "the client did not say which session it signs for (session-bind@openssh.com)", "use OpenSSH 8.9 or newer, and log in to a granted host");
            return null;
        }
        var login = LoginData.Read(data.Span, binding, out var problem);
        if (login is not null && (!login.Key.Equals(key) || login.Algorithm != SshAlgorithms.Signature(key.Type, flags)))
            problem = "the login is for another key or another kind of signature than was asked for";
        var access = grants.Current.FirstOrDefault(access => access.Key.Equals(key) && access.HostKeys.Contains(binding.HostKey));
        if (problem.Length == 0 && access is null) problem = "the key is not granted for this host";
        if (problem.Length > 0)
        {
            Deny(access?.Host ?? "", key.Fingerprint, problem, "moat grant ssh --host HOST grants a key");
            return null;
        }
        return await SignAsync(access!, data, flags, binding, new SignatureUse("login", login!.User), ct).ConfigureAwait(false);
    }

    private async ValueTask<byte[]?> SignCommitAsync(SshPublicKey key, ReadOnlyMemory<byte> data, uint flags, CancellationToken ct)
    {
        var access = grants.Current.FirstOrDefault(access => access.Key.Equals(key) && access.SignsCommits);
        var purpose = SignedText.NamespaceOf(data.Span);
        var problem = purpose is null ? "what is to be signed is malformed"
            : purpose != SignedText.GitNamespace ? "a text of another namespace than git's is not signed"
            : access is null ? "no grant of this key signs commits" : "";
        if (problem.Length > 0)
        {
            Deny(access?.Host ?? "", key.Fingerprint, problem, "moat grant ssh --host HOST --sign-commits");
            return null;
        }
        return await SignAsync(access!, data, flags, binding: null, new SignatureUse("commit", ""), ct).ConfigureAwait(false);
    }

    private async ValueTask<byte[]?> SignAsync(SshAccess access, ReadOnlyMemory<byte> data, uint flags, SessionBinding? binding, SignatureUse use, CancellationToken ct)
    {
        if (!CanonicalHost.TryParse(access.Host, out var host, out _) || gate.Signature(access.Grant, host, SshGrant.Port) is { } refusal)
        {
            Deny(access.Host, access.Key.Fingerprint, "the policy denies this use of the grant", "moat policy explain shows the way to the answer");
            return null;
        }
        long intent;
        try
        {
            intent = await recorder.SignatureIntentAsync(access, use).ConfigureAwait(false);
        }
        catch (AuditUnavailableException)
        {
            // No record, no signature. The log tells of its failure itself, and the run ends.
            return null;
        }
        try
        {
            var signature = await grants.SignAsync(access, data, flags, binding is null ? null : (ReadOnlyMemory<byte>?)binding.Message, ct).ConfigureAwait(false);
            recorder.SignatureOutcome(intent, "");
            return signature;
        }
        catch (Exception e) when (e is MoatException or ObjectDisposedException or OperationCanceledException)
        {
            // The person's agent is gone or said no, or the run ends meanwhile.
            recorder.SignatureOutcome(intent, e.Message);
            if (e is MoatException { Mend: var mend }) Deny(access.Host, access.Key.Fingerprint, e.Message, mend);
            return null;
        }
    }

    private void Deny(string host, string key, string reason, string mend)
        => recorder.SignatureDenied(new Refusal(403, DenialKind.Grant, Rule, reason, mend), host, key);
}
