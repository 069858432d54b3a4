namespace Moat.Credentials;

/// <summary>How <c>moat grant oauth NAME</c> was asked to log in. What is null is taken from the person's file for the name, else from what the server says of itself.</summary>
public sealed record OAuthRequest
{
    /// <summary>The folder with the person's <c>NAME.yaml</c>; null: none.</summary>
    public string? Folder { get; init; }

    /// <summary>The authorization endpoint (RFC 6749 §3.1).</summary>
    public string? AuthUrl { get; init; }

    /// <summary>The token endpoint (RFC 6749 §3.2).</summary>
    public string? TokenUrl { get; init; }

    /// <summary>The device authorization endpoint (RFC 8628 §3.1).</summary>
    public string? DeviceUrl { get; init; }

    public string? ClientId { get; init; }

    /// <summary>Where the client's secret is (<c>env://</c>, <c>file://</c>, <c>cmd://</c>, <c>op://</c>, <c>ssm://</c>); never the secret itself.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>Scopes, with spaces between.</summary>
    public string? Scopes { get; init; }

    /// <summary>True: the person logs in on another device, with a code (RFC 8628). False: in a browser of this machine.</summary>
    public bool UsesDevice { get; init; }

    /// <summary>Tells the person a line: an address to open, a code to type.</summary>
    public required Action<string> Tell { get; init; }

    /// <summary>Opens an address in the person's browser; false where there is none. Null: it is only told.</summary>
    public Func<Uri, bool>? OpenBrowser { get; init; }
}
