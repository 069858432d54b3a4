namespace Moat.Credentials;

/// <summary>How the credential is written into a request.</summary>
public enum InjectionFormat
{
    /// <summary>The header is the credential.</summary>
    Raw,

    /// <summary>The header is <see cref="InjectionBinding.Argument"/> (<c>Bearer </c>) and the credential.</summary>
    Prefix,

    /// <summary>HTTP Basic (RFC 7617): <see cref="InjectionBinding.Argument"/> is the user, the credential the password.</summary>
    Basic,

    /// <summary>The placeholder inside the request path is replaced; no header is touched.</summary>
    Path,
}

/// <summary>
/// Where a credential goes. <paramref name="Host"/> is a canonical host or <c>*.suffix</c> (one label or more before
/// the suffix). <paramref name="Header"/> is empty for <see cref="InjectionFormat.Path"/>. <paramref name="Argument"/>
/// is the prefix or the user. <paramref name="Port"/> null means 443.
/// </summary>
public sealed record InjectionBinding(string Host, string Header, InjectionFormat Format, string Argument = "", int? Port = null)
{
    /// <summary>True when a request to this canonical host (lower case) and port may carry the credential.</summary>
    public bool Matches(ReadOnlySpan<char> host, int port) => port == (Port ?? 443) && HostPattern.Matches(Host, host);

    /// <summary>The header's value, or for <see cref="InjectionFormat.Path"/> the text that replaces the placeholder.</summary>
    internal string Render(Secret secret)
    {
        var token = System.Text.Encoding.ASCII.GetString(secret.Reveal());
        return Format switch
        {
            InjectionFormat.Prefix => Argument + token,
            InjectionFormat.Basic => "Basic " + Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"{Argument}:{token}")),
            _ => token,
        };
    }
}

/// <summary>A header added to every request to a bound host, beside the credential.</summary>
public sealed record ExtraHeader(string Name, string Value);
