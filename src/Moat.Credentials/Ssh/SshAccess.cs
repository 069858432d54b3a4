using System.Collections.Immutable;
using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials.Ssh;

/// <summary>What a grant <c>ssh:HOST</c> allows, as it is stored now.</summary>
public sealed record SshAccess(string Grant, string Host, SshPublicKey Key, ImmutableArray<SshPublicKey> HostKeys, bool SignsCommits, bool IsAgentBacked)
{
    /// <summary>The access of a grant; null for a grant of another kind, and for one that is revoked.</summary>
    /// <exception cref="MoatException">What is stored is damaged.</exception>
    public static SshAccess? Of(UnlockedGrant grant)
        => SshGrant.HostOf(grant.Name) is not null && !grant.IsRevoked ? Of(grant.Name, grant.Metadata) : null;

    internal static SshAccess Of(string name, ImmutableSortedDictionary<string, string> facts)
    {
        if (SshPublicKey.Parse(facts.GetValueOrDefault(SshGrant.KeyFact, "")) is not { } key) throw Damaged(name);
        var pinned = facts.GetValueOrDefault(SshGrant.HostKeysFact, "").Split('\n').Select(line => SshPublicKey.Parse(line) ?? throw Damaged(name));
        return new SshAccess(name, SshGrant.HostOf(name)!, key, [.. pinned], facts.GetValueOrDefault(SshGrant.CommitsFact) == "yes", facts.GetValueOrDefault(SshGrant.BackingFact) == SshGrant.Agent);
    }

    /// <summary>Signs with the grant's key, wherever it is.</summary>
    /// <param name="grant">The grant that this is the access of.</param>
    /// <param name="agentSocket">The socket of the person's ssh-agent; null: there is none.</param>
    /// <param name="data">What is signed.</param>
    /// <param name="flags">As in an agent's sign request.</param>
    /// <param name="binding">The session-bind message that the data belongs to; null: none.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>string algorithm, string blob.</returns>
    /// <exception cref="MoatException">The key is not to be had, or makes no signature of this kind.</exception>
    public async Task<byte[]> SignAsync(UnlockedGrant grant, string? agentSocket, ReadOnlyMemory<byte> data, uint flags, ReadOnlyMemory<byte>? binding, CancellationToken ct)
    {
        var algorithm = SshAlgorithms.Signature(Key.Type, flags) ?? throw new MoatException("a signature with SHA-1 is not made", "use a client that knows rsa-sha2-256 or rsa-sha2-512 (RFC 8332)");
        if (!IsAgentBacked) return SignHere(grant.Secret, algorithm, data.Span);
        if (agentSocket is null) throw new MoatException($"the key of {Grant} is in an ssh-agent, and there is none: {SshAgentClient.Variable} is not set", "start moat where the ssh-agent is");
        var signature = await new SshAgentClient(agentSocket).SignAsync(Key, data, flags, binding, ct).ConfigureAwait(false);
        return Key.Verify(signature, data.Span) ? signature : throw new MoatException("the ssh-agent of this host answered with another signature than the one it was asked for", "use OpenSSH's ssh-agent");
    }

    private byte[] SignHere(Secret stored, string algorithm, ReadOnlySpan<byte> data)
    {
        var section = GC.AllocateUninitializedArray<byte>(stored.Length, pinned: true);
        try
        {
            _ = System.Buffers.Text.Base64.DecodeFromUtf8(stored.Reveal(), section, out _, out var length);
            return SshPrivateKey.Sign(section.AsSpan(0, length), Key, algorithm, data);
        }
        catch (Exception ex) when (ex is CryptographicException or FormatException)
        {
            throw Damaged(Grant);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(section);
        }
    }

    private static MoatException Damaged(string grant) => new($"what is stored of the grant {grant} is damaged", $"grant it again: moat grant {grant}");
}
