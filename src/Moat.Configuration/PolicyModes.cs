using Moat.Spec;

namespace Moat.Configuration;

/// <summary>The words for <see cref="PolicyMode"/>.</summary>
public static class PolicyModes
{
    /// <summary>All of them, for an error's text.</summary>
    public const string Words = "enforce, shadow or record";

    public static bool TryParse(string word, out PolicyMode mode)
    {
        (var known, mode) = word switch
        {
            "enforce" => (true, PolicyMode.Enforce),
            "shadow" => (true, PolicyMode.Shadow),
            "record" => (true, PolicyMode.Record),
            _ => (false, default),
        };
        return known;
    }
}
