using System.Text.Json.Serialization;

namespace Moat.Runs;

/// <summary>One line of <c>moat trace --network</c>: a request, a connection that was relayed or refused, a signature or a name that was asked for.</summary>
public sealed record TraceEntry
{
    /// <summary>Number of the record that it begins with.</summary>
    public required long Seq { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary><c>request</c>, <c>connect</c>, <c>signature</c> or <c>dns</c>.</summary>
    public required string Kind { get; init; }

    public required bool Allowed { get; init; }

    public required string Host { get; init; }

    public int Port { get; init; }

    public string Method { get; init; } = "";

    public string Scheme { get; init; } = "";

    /// <summary>Path and query as sent, secrets masked.</summary>
    public string Path { get; init; } = "";

    public string Protocol { get; init; } = "";

    public string Rule { get; init; } = "";

    public string Reason { get; init; } = "";

    /// <summary>The grants that were injected, or empty.</summary>
    public string Grant { get; init; } = "";

    /// <summary>Status of the answer; 0 while it is open.</summary>
    public int Status { get; init; }

    /// <summary>Bytes to the upstream and back, bodies alone.</summary>
    public long BytesIn { get; init; }

    public long BytesOut { get; init; }

    public long Milliseconds { get; init; }

    /// <summary>What went wrong after it was allowed; empty when nothing did.</summary>
    public string Error { get; init; } = "";

    /// <summary>False: the outcome is not recorded (yet).</summary>
    public bool Complete { get; init; }

    /// <summary>URL for a person; the name alone for a DNS query.</summary>
    [JsonIgnore]
    public string Url => Kind switch
    {
        "dns" => Host,
        "signature" => Path.Length > 0 ? $"{Path}@{Host}" : Host,
        "connect" => Port > 0 ? $"{Host}:{Port}" : Host,
        _ => $"{(Scheme.Length > 0 ? Scheme : Port == 80 ? "http" : "https")}://{Host}{(Port is 0 or 80 or 443 ? "" : ":" + Port)}{Path}",
    };
}
