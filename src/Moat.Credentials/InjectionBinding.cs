using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The part of a request that a credential is written into.</summary>
[JsonConverter(typeof(KebabCaseEnum<InjectionSlot>))]
public enum InjectionSlot
{
    /// <summary>A header: <see cref="InjectionBinding.Argument"/> (<c>Bearer </c>) and the credential.</summary>
    Header,

    /// <summary>Any header of a credential's shape in which the placeholder stands: alone, behind a scheme, or as a side of HTTP Basic.</summary>
    AnyHeader,

    /// <summary>The user of HTTP Basic (RFC 7617); <see cref="InjectionBinding.Argument"/> is the password.</summary>
    BasicUser,

    /// <summary>The password of HTTP Basic; <see cref="InjectionBinding.Argument"/> is the user.</summary>
    BasicPassword,

    /// <summary>The value of a query parameter.</summary>
    Query,

    /// <summary>A segment of the path, behind <see cref="InjectionBinding.Argument"/> (<c>bot</c>) in that segment.</summary>
    Path,

    /// <summary>The value of a cookie.</summary>
    Cookie,

    /// <summary>A text in a JSON body; the name is its path, with dots.</summary>
    JsonField,

    /// <summary>The value of a field of an <c>application/x-www-form-urlencoded</c> body.</summary>
    FormField,

    /// <summary>AWS's signature (<see cref="SigV4"/>): one made with the placeholder is replaced by one made with the credential.</summary>
    AwsSignature,
}

/// <summary>
/// One place where a credential goes. A header (Basic is one) is written into every request that the binding covers; in
/// the other slots the placeholder is replaced where it stands, and a request without it goes out as it came.
/// </summary>
/// <param name="Host">A canonical host, or <c>*.suffix</c> (one label or more before the suffix).</param>
/// <param name="Name">The header, parameter, cookie or field; empty for <see cref="InjectionSlot.Path"/> and <see cref="InjectionSlot.AnyHeader"/>.</param>
/// <param name="Slot">The part of the request.</param>
/// <param name="Argument">The text beside the credential, as the slot says.</param>
/// <param name="Port">Null means 443.</param>
public sealed record InjectionBinding(string Host, string Name, InjectionSlot Slot, string Argument = "", int? Port = null)
{
    /// <summary>The path that stands for all of them.</summary>
    public const string AnyPath = "/**";

    /// <summary>For <see cref="InjectionSlot.Path"/>: the placeholder ends its segment, whatever stands before it there.</summary>
    public const string AnyPrefix = "*";

    /// <summary><c>https</c>, or <c>http</c> where the definition asks for cleartext and names the port.</summary>
    public string Scheme { get; init; } = "https";

    /// <summary>A method in upper case, or <c>*</c>.</summary>
    public string Method { get; init; } = "*";

    /// <summary>A path with <c>*</c> for one segment and <c>**</c> for any number of them.</summary>
    public string Path { get; init; } = AnyPath;

    /// <summary>Which of the grant's secrets: empty for its token, else the name of one of its parts.</summary>
    public string Part { get; init; } = "";

    /// <summary>The header that is written, for the slots that are one; else empty.</summary>
    public string Header => Slot switch
    {
        InjectionSlot.Header => Name,
        InjectionSlot.BasicUser or InjectionSlot.BasicPassword => "Authorization",
        _ => "",
    };

    /// <summary>True: the placeholder is replaced where it stands. False: a header is written whatever the request says.</summary>
    public bool NeedsPlaceholder => Slot is not (InjectionSlot.Header or InjectionSlot.BasicUser or InjectionSlot.BasicPassword);

    /// <summary>True for a slot in the body.</summary>
    public bool IsInBody => Slot is InjectionSlot.JsonField or InjectionSlot.FormField;

    /// <summary>True when the method or the path decides too.</summary>
    public bool IsNarrow => Method != "*" || Path != AnyPath;

    /// <summary>True when requests to this canonical host (lower case) and port over this scheme may carry the credential.</summary>
    public bool Matches(ReadOnlySpan<char> host, int port, bool tls = true)
        => port == (Port ?? 443) && tls == (Scheme == "https") && HostPattern.Matches(Host, host);

    /// <summary>Where the credential is written, in words without any secret.</summary>
    public string Describe() => Slot switch
    {
        InjectionSlot.Header => $"header {Name}{(Argument.Length > 0 ? $" ({Argument.Trim()})" : "")}",
        InjectionSlot.AnyHeader => "any header that holds the placeholder",
        InjectionSlot.BasicUser => "Basic user",
        InjectionSlot.BasicPassword => $"Basic password{(Argument.Length > 0 ? $" (user {Argument})" : "")}",
        InjectionSlot.Query => $"query parameter {Name}",
        InjectionSlot.Path => Argument switch { "" => "path segment", AnyPrefix => "end of a path segment", _ => $"path segment behind {Argument}" },
        InjectionSlot.Cookie => $"cookie {Name}",
        InjectionSlot.JsonField => $"JSON field {Name}",
        InjectionSlot.AwsSignature => "AWS signature (SigV4)",
        _ => $"form field {Name}",
    };

    /// <summary>Scheme, host and port, the port only where it is not the scheme's own.</summary>
    public string Origin => Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{Host}:{port}") : $"{Scheme}://{Host}";

    /// <summary>The header's value, or the text that replaces the placeholder before the slot's own escaping.</summary>
    internal string Render(Secret secret)
    {
        // A signature is made for each request, of the bytes themselves.
        if (Slot == InjectionSlot.AwsSignature) return "";
        var token = Encoding.ASCII.GetString(secret.Reveal());
        return Slot switch
        {
            InjectionSlot.Header => Argument + token,
            InjectionSlot.BasicUser => "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{token}:{Argument}")),
            InjectionSlot.BasicPassword => "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Argument}:{token}")),
            _ => token,
        };
    }
}

/// <summary>A header added to every request to a bound host, beside the credential.</summary>
public sealed record ExtraHeader(string Name, string Value);
