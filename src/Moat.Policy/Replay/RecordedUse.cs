using System.Collections.Immutable;

namespace Moat.Policy;

/// <summary>What was done, as a log tells it, for a policy to be asked about it again.</summary>
public enum RecordedUseKind
{
    /// <summary>A connection that is relayed as it is (SSH).</summary>
    Connect,

    /// <summary>An HTTP request, with the credentials that went along.</summary>
    Request,

    /// <summary>A credential alone: a signature (method SIGN), a session with a database (method CONNECT). The path is <c>/</c>.</summary>
    Credential,

    /// <summary>A call of an MCP tool. A log holds no values of arguments.</summary>
    Tool,
}

/// <summary>One request, connection, signature or call of a recorded run.</summary>
/// <param name="Path">The target as it was sent, in origin form; empty where there is none.</param>
/// <param name="Grants">The grants whose credentials went along.</param>
/// <param name="Tool">The tool of an MCP call; otherwise empty.</param>
public sealed record RecordedUse(RecordedUseKind Kind, CanonicalHost Host, int Port, string Method, string Path, ImmutableArray<string> Grants, string Tool)
{
    /// <summary>What the policy says of it: the first denial of the connection, the request and each credential, else the last permit.</summary>
    public Decision Ask(RequestPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (Kind == RecordedUseKind.Tool) return policy.DecideMcp(Host, Port, new McpCall(Tool, McpArguments.None));
        var decision = policy.DecideConnect(Host, Port);
        if (decision.Allowed && Kind == RecordedUseKind.Request) decision = policy.DecideRequest(Host, Port, Method, Path);
        foreach (var grant in Grants)
        {
            if (!decision.Allowed) break;
            decision = policy.DecideCredential(grant, Host, Port, Method, Path);
        }

        return decision;
    }

    /// <summary>One line for a person.</summary>
    public string Text => Kind switch
    {
        RecordedUseKind.Connect => $"connect {Host.Value}:{Port}",
        RecordedUseKind.Tool => $"call {Tool} at {Host.Value}:{Port}",
        _ => $"{Method} {Host.Value}:{Port}{Path}{(Grants.IsEmpty ? "" : $" with {string.Join(", ", Grants)}")}",
    };

    public bool Equals(RecordedUse? other) =>
        other is not null && Kind == other.Kind && Host == other.Host && Port == other.Port && Method == other.Method && Path == other.Path && Tool == other.Tool && Grants.SequenceEqual(other.Grants);

    public override int GetHashCode() => HashCode.Combine(Kind, Host, Port, Method, Path, Tool, Grants.Length);
}
