using System.Buffers;

namespace Moat.Gateway.Injections;

/// <summary>
/// npm asks for a package of a scope as <c>/@scope%2fname</c>. A path with an escaped slash has no form that every server
/// reads alike, but for a registry both readings are the same package; so for the npm grant, and for it alone, this one
/// slash counts as a slash.
/// </summary>
internal static class NpmTarget
{
    private const string Slash = "%2f";
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~");

    /// <summary>The target with the scope's slash plain; the same text when there is none.</summary>
    public static string Plain(string target)
    {
        var path = target.AsSpan();
        var query = path.IndexOf('?');
        if (query >= 0)
            path = path[..query];
        var at = path.IndexOf(Slash, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return target;
        var scope = path[(path[..at].LastIndexOf('/') + 1)..at];
        var name = path[(at + Slash.Length)..];
        if (name.IndexOf('/') is >= 0 and var end)
            name = name[..end];
        return scope is ['@', .. var rest] && IsName(rest) && IsName(name)
            ? string.Concat(path[..at], "/", target.AsSpan(at + Slash.Length)) : target;
    }

    private static bool IsName(ReadOnlySpan<char> text) =>
        !text.IsEmpty && char.IsAsciiLetterOrDigit(text[0]) && !text.ContainsAnyExcept(NameCharacters);
}
