using Moat.Audit;
using Moat.Credentials;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway;

/// <summary>What a gateway works with. Everything here belongs to one run, is owned by the caller and outlives the gateway.</summary>
public sealed record GatewayOptions
{
    public required NetworkPolicy Policy { get; init; }

    /// <summary>The Cedar policy that decides beside <see cref="Policy"/>; null without one.</summary>
    public RequestPolicy? RequestPolicy { get; init; }

    /// <summary>True: what <see cref="RequestPolicy"/> denies is recorded as such and goes out.</summary>
    public bool ShadowsRequestPolicy { get; init; }

    /// <summary>The credentials the run may use. A revoked one denies the requests that need it.</summary>
    public IReadOnlyList<UnlockedGrant> Grants { get; init; } = [];

    /// <summary>The socket of the person's ssh-agent, for grants whose key is there; null: none.</summary>
    public string? SshAgentSocket { get; init; }

    /// <summary>When it fails, every request is refused with 503.</summary>
    public required AuditLog Audit { get; init; }

    public required RunAuthority Authority { get; init; }

    /// <summary>The spec that <see cref="Policy"/> was compiled from; <c>network.ca</c> and <c>network.resolve</c> are read here.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>Where the descriptions of MCP tools are pinned, for all runs; null: they are for this gateway alone.</summary>
    public string? McpPins { get; init; }

    /// <summary>Told what a person should know that is no denial; a line each, neutralised. Be quick, do not throw.</summary>
    public Action<string>? OnNotice { get; init; }

    /// <summary>Told of each denial, on the thread that refused: be quick, do not throw.</summary>
    public Action<Denial>? OnDenied { get; init; }
}
