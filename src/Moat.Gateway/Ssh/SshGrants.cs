using Moat.Credentials;
using Moat.Credentials.Ssh;

namespace Moat.Gateway.Ssh;

/// <summary>The run's grants for SSH as they are at the moment: a revoked one is not among them.</summary>
/// <param name="agentSocket">The person's ssh-agent on this host; null: none.</param>
internal sealed class SshGrants(IReadOnlyList<UnlockedGrant> grants, string? agentSocket)
{
    private readonly UnlockedGrant[] _grants = [.. grants.Where(grant => SshGrant.HostOf(grant.Name) is not null)];

    public IEnumerable<SshAccess> Current => _grants.Select(SshAccess.Of).OfType<SshAccess>();

    /// <summary>The grant for a host, also a revoked one; null without any.</summary>
    public UnlockedGrant? For(string host) => Array.Find(_grants, grant => SshGrant.HostOf(grant.Name) == host);

    /// <inheritdoc cref="SshAccess.SignAsync"/>
    public Task<byte[]> SignAsync(SshAccess access, ReadOnlyMemory<byte> data, uint flags, ReadOnlyMemory<byte>? binding, CancellationToken ct)
        => access.SignAsync(For(access.Host)!, agentSocket, data, flags, binding, ct);
}
