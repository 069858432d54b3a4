namespace Moat.Credentials;

/// <summary>What a person says of a database at <c>moat grant postgres</c>; null is not said.</summary>
public sealed record DatabaseRequest
{
    /// <summary>For a grant that was named without its host (<c>postgres</c>).</summary>
    public string? Host { get; init; }

    /// <summary>1 to 65535; null: the protocol's own.</summary>
    public int? Port { get; init; }

    public string? User { get; init; }

    /// <summary>The database; for Redis its number.</summary>
    public string? Database { get; init; }

    /// <summary><c>verify-full</c> or <c>disable</c>.</summary>
    public string? SslMode { get; init; }

    /// <summary>Certificates of authorities, as PEM.</summary>
    public string? CaPem { get; init; }

    internal bool IsEmpty => this == new DatabaseRequest();
}
