using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Names and ids of runs.</summary>
public static class RunNames
{
    private const int MaxLength = 63;

    /// <summary><c>run_</c> and 12 random hexadecimal digits.</summary>
    public static string NewId() => "run_" + RandomNumberGenerator.GetHexString(12, lowercase: true);

    /// <summary>A name from a folder's: its letters and digits, <c>-</c>, and 4 random hexadecimal digits.</summary>
    public static string FromFolder(string folder) => FolderStem(folder) + "-" + RandomNumberGenerator.GetHexString(4, lowercase: true);

    /// <summary>A folder's name as a run name, without a random part.</summary>
    public static string FolderStem(string folder)
    {
        var stem = string.Concat(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)).ToLowerInvariant().Select(c => IsNameCharacter(c) ? c : '-')).Trim('-');
        if (stem.Length > 40) stem = stem[..40].TrimEnd('-');
        return stem.Length == 0 ? "workspace" : stem;
    }

    /// <summary>True for 1 to 63 of <c>a-z 0-9 -</c> with a letter or digit at both ends, and no id of a run.</summary>
    public static bool IsName(string name)
        => name.Length is > 0 and <= MaxLength && name.All(IsNameCharacter) && name[0] != '-' && name[^1] != '-';

    /// <exception cref="MoatException">The text is not a run name.</exception>
    public static string Check(string name)
        => IsName(name) ? name : throw new MoatException($"\"{Text.Printable(name)}\" is not a run name", "use lower-case letters, digits and -, at most 63");

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
}
