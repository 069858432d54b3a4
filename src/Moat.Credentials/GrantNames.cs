using System.Buffers;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Names of grants and profiles. Both become file names, so both are narrow.</summary>
public static class GrantNames
{
    private const int MaxLength = 100;
    private static readonly SearchValues<char> s_allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.:");

    /// <summary>The profile of a run: the flag, else <c>MOAT_PROFILE</c>, else the default profile (empty).</summary>
    /// <exception cref="MoatException">The name is not a profile's name.</exception>
    public static string ResolveProfile(string? flag, string? environment)
    {
        var profile = !string.IsNullOrEmpty(flag) ? flag : environment ?? "";
        CheckProfile(profile);
        return profile;
    }

    /// <exception cref="MoatException">The name is not a profile's name; empty is the default profile.</exception>
    public static void CheckProfile(string profile)
    {
        if (profile.Length > 0 && (!IsName(profile) || profile.Contains(':', StringComparison.Ordinal)))
            throw new MoatException($"\"{Printable(profile)}\" is not a profile name", "use lower-case letters, digits, - _ and . (starting with a letter or a digit)");
    }

    internal static void CheckGrant(string name)
    {
        if (!IsName(name))
            throw new MoatException($"\"{Printable(name)}\" is not a grant name", "run `moat grant providers` for the names there are");
    }

    internal static bool IsName(string name)
        => name.Length is > 0 and <= MaxLength && char.IsAsciiLetterOrDigit(name[0]) && !name.AsSpan().ContainsAnyExcept(s_allowed);

    // A name is echoed before it was accepted: keep control characters off the terminal.
    internal static string Printable(string text)
        => string.Concat(text.Take(MaxLength).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
