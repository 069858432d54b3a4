using System.Buffers;

namespace Moat.Configuration;

/// <summary>The names that a grant can have (<c>github</c>, <c>mcp:context7</c>).</summary>
internal static class GrantText
{
    private static readonly SearchValues<char> s_allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.:");

    public static bool IsName(string name)
        => name.Length is > 0 and <= 100 && char.IsAsciiLetterOrDigit(name[0]) && !name.AsSpan().ContainsAnyExcept(s_allowed);
}
