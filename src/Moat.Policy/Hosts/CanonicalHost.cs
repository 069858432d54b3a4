using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Moat.Policy;

/// <summary>
/// The one form of a host that policy, injection and dialling use: a lower-case name of A-labels without a trailing dot
/// (RFC 1123, RFC 5891), or an IP literal in its canonical spelling (RFC 5952), every IPv4 spelling that a resolver
/// would accept (<c>127.1</c>, <c>0x7f000001</c>, <c>017700000001</c>) included. Two spellings of one host are equal.
/// </summary>
public readonly record struct CanonicalHost
{
    private const int MaxName = 253;
    private const int MaxLabel = 63;
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    private readonly string? value;

    private CanonicalHost(string value, IPAddress? address)
    {
        this.value = value;
        Address = address;
    }

    /// <summary>The canonical text; an IPv6 literal stands without brackets. Empty for <c>default</c>, which no rule matches.</summary>
    public string Value => value ?? "";

    /// <summary>The address when the host is a literal, otherwise null. Never with a zone.</summary>
    public IPAddress? Address { get; }

    public bool IsIp => Address is not null;

    /// <summary>Reads a host alone. What two programs could read in two ways is refused.</summary>
    /// <param name="text">No port, no userinfo; an IPv6 literal with or without brackets.</param>
    /// <param name="host">The canonical host; <c>default</c> when refused.</param>
    /// <param name="error">Why it was refused; never holds the text itself.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out CanonicalHost host, out string error)
    {
        host = default;
        error = "";
        if (text.IsEmpty) return Refuse("the host is empty", out error);
        if (text[0] == '[' || text.Contains(':')) return TryParseV6(text, out host, out error);
        var stranger = text.IndexOfAnyExcept(NameCharacters);
        if (stranger >= 0) return Refuse(Explain(text[stranger]), out error);
        if (text[^1] == '.') text = text[..^1];
        if (text.Length is 0 or > MaxName) return Refuse("the host is empty or longer than 253 characters", out error);
        if (!AreLabels(text, out error)) return false;

        // A name whose last label is a number is an address to resolvers, so it is one here or nothing (WHATWG URL, "ends in a number").
        if (Ipv4Text.EndsInNumber(text))
        {
            if (!Ipv4Text.TryParse(text, out var v4)) return Refuse("the host looks like an IPv4 address and is none", out error);
            host = new CanonicalHost(v4.ToString(), v4);
            return true;
        }

        host = new CanonicalHost(text.ContainsAnyInRange('A', 'Z') ? text.ToString().ToLowerInvariant() : text.ToString(), null);
        return true;
    }

    public override string ToString() => Value;

    private static bool AreLabels(ReadOnlySpan<char> name, out string error)
    {
        error = "";
        while (true)
        {
            var dot = name.IndexOf('.');
            var label = dot < 0 ? name : name[..dot];
            if (label.Length is 0 or > MaxLabel) return Refuse("the host has an empty label or one longer than 63 characters", out error);
            if (label[0] == '-' || label[^1] == '-') return Refuse("a label of the host begins or ends with a hyphen", out error);
            if (dot < 0) return true;
            name = name[(dot + 1)..];
        }
    }

    private static bool TryParseV6(ReadOnlySpan<char> text, out CanonicalHost host, out string error)
    {
        host = default;
        error = "";
        if (text[0] == '[')
        {
            if (text[^1] != ']') return Refuse("the IPv6 literal has no closing bracket", out error);
            text = text[1..^1];
        }

        if (text.Contains('%')) return Refuse("an IPv6 zone is refused: it names an interface of one machine", out error);
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.')) return Refuse("the host is neither a name nor an IP address", out error);
        }

        if (!IPAddress.TryParse(text, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            return Refuse("the host is neither a name nor an IP address", out error);
        host = new CanonicalHost(address.ToString(), address);
        return true;
    }

    // Outside ASCII a name is only what nameprep makes of it, and without ICU (InvariantGlobalization) .NET has no
    // nameprep: IdnMapping would make two names of "BÜCHER" and "bücher". So the A-label is asked for.
    private static string Explain(char stranger) => stranger switch
    {
        > '\x7f' => "the host is not ASCII; an international name is written in its xn-- form",
        <= ' ' or '\x7f' => "the host holds a space or a control character",
        '@' => "the host holds a user name",
        _ => "the host holds a character that no host name has",
    };

    private static bool Refuse(string why, out string error)
    {
        error = why;
        return false;
    }
}
