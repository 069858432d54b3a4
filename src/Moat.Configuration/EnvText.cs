namespace Moat.Configuration;

/// <summary>Environment variables as people write them.</summary>
internal static class EnvText
{
    public static bool IsName(string text)
        => text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
