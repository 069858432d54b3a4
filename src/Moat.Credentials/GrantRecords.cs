using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>What <c>moat grant NAME</c> was asked for.</summary>
public sealed record GrantRequest(string Name)
{
    /// <summary>True: the credential is stored without asking the provider whether it works.</summary>
    public bool NoValidate { get; init; }

    /// <summary>Null: no expiry is known.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What the grant may be used for in any run (<c>GET /repos/**</c>, <c>read-only</c>); empty: for all that it can.</summary>
    public ImmutableArray<string> Scope { get; init; } = [];

    /// <summary>Where the service is, for the grants that are told so (<c>mcp:NAME</c>); null: where it is known to be.</summary>
    public string? Url { get; init; }

    /// <summary>The header that takes the credential there; null: the service's own, else a bearer token.</summary>
    public string? Header { get; init; }

    /// <summary>The host of the grant <c>ssh</c>, which then is <c>ssh:HOST</c>; null: the name says it.</summary>
    public string? Host { get; init; }

    /// <summary>Which key (<c>ssh:HOST</c>): a private key file, or the fingerprint, the comment or the .pub file of a key of the ssh-agent; null: the agent's only one.</summary>
    public string? Key { get; init; }

    /// <summary>The host's own keys (<c>ssh:HOST</c>), each as type and base64; empty: those of known_hosts.</summary>
    public ImmutableArray<string> HostKeys { get; init; } = [];

    /// <summary>True: the key also signs git commits (<c>ssh:HOST</c>).</summary>
    public bool SignsCommits { get; init; }

    /// <summary>What <c>aws</c> was told; null: nothing.</summary>
    public AwsGrantRequest? Aws { get; init; }

    /// <summary>Which registries, for the grant <c>docker</c>; null: those that the person's docker is logged in at.</summary>
    public RegistryRequest? Registry { get; init; }

    /// <summary>The context of the person's kubeconfig, for the grant <c>kube</c>; null: the current one.</summary>
    public string? KubeContext { get; init; }

    /// <summary>How to log in, for the grants that do; null: nobody is there who could.</summary>
    public OAuthRequest? OAuth { get; init; }

    /// <summary>True: log in (<see cref="OAuth"/>) where a token could be typed too (<c>mcp:NAME</c>).</summary>
    public bool LogsIn { get; init; }

    /// <summary>For the grants of databases; null: nothing is said.</summary>
    public DatabaseRequest? Database { get; init; }

    /// <summary>Asks a person, without an echo, for what the text says; null answers: gave up. Null: there is nobody to ask.</summary>
    public Func<string, Secret?>? Prompt { get; init; }
}

/// <summary>Which registries <c>moat grant docker</c> is for.</summary>
/// <param name="Hosts">Host, with a port where it is not 443; empty: those of the person's docker.</param>
/// <param name="User">With it the password is asked for; null: both are read from the person's docker.</param>
/// <param name="AuthHost">The host that gives the registry's tokens, where it is another and not known by name.</param>
public sealed record RegistryRequest(ImmutableArray<string> Hosts, string? User, string? AuthHost);

/// <summary>A stored grant as a list shows it. <paramref name="Problem"/> says why it cannot be used, if so.</summary>
public sealed record GrantInfo(string Name, string Profile, DateTimeOffset? CreatedAt, DateTimeOffset? ExpiresAt, string Source,
    ImmutableArray<string> Scopes, ImmutableArray<string> Hosts, string? Problem);

/// <summary>One grant in full; <paramref name="MaskedToken"/> shows its kind and length and nothing of its secret.</summary>
public sealed record GrantDetails(GrantInfo Info, ImmutableArray<InjectionBinding> Bindings, ImmutableArray<string> ExtraHosts,
    ImmutableArray<string> ContainerEnv, string MaskedToken)
{
    /// <summary>What the grant is narrowed to, as written; empty: to nothing.</summary>
    public ImmutableArray<string> Scope { get; init; } = [];

    /// <summary>The database server that the grant is for; null for a grant of another kind.</summary>
    public DatabaseTarget? Database { get; init; }
}

/// <summary>What a look at a stored grant found.</summary>
[JsonConverter(typeof(KebabCaseEnum<GrantHealth>))]
public enum GrantHealth
{
    /// <summary>The provider takes it.</summary>
    Good,

    /// <summary>The provider cannot be asked.</summary>
    Unknown,

    /// <summary>It does not work, or whether it does could not be found out; the message says which.</summary>
    Bad,
}

/// <summary>One grant's look. <paramref name="ExpiresAt"/> null: no expiry is known.</summary>
public sealed record GrantCheck(string Name, GrantHealth Health, string Message, DateTimeOffset? ExpiresAt)
{
    /// <summary>True: Moat renews it before it expires.</summary>
    public bool IsRenewed { get; init; }
}
