namespace Moat.Configuration;

/// <summary>Mounts as people write them: <c>src:dst[:ro|rw]</c>, and the rules for a target inside.</summary>
internal static class MountText
{
    private static readonly string[] s_reserved = ["/proc", "/dev", "/sys", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];

    /// <summary>Splits the text; false with the problem when it is not a mount. The source is not looked at.</summary>
    public static bool TryParse(string text, out string source, out string target, out bool readOnly, out string problem)
    {
        (source, target, readOnly, problem) = ("", "", false, "");
        var parts = text.Split(':');
        if (parts.Length is < 2 or > 3 || parts[0].Length == 0)
        {
            problem = "a mount is written source:target, source:target:ro or source:target:rw";
            return false;
        }
        (source, target) = (parts[0], parts[1]);
        if (parts.Length == 3)
        {
            if (parts[2] is not ("ro" or "rw"))
            {
                problem = $"the mode {Text.Quoted(parts[2])} is neither ro nor rw";
                return false;
            }
            readOnly = parts[2] == "ro";
        }
        return TryTarget(ref target, out problem);
    }

    /// <summary>Checks a target and takes a trailing slash off.</summary>
    public static bool TryTarget(ref string target, out string problem)
    {
        problem = "";
        if (target.Length > 1) target = target.TrimEnd('/');
        if (!target.StartsWith('/') || target.Length < 2) problem = "the target is not an absolute path below /";
        else if (target.Any(char.IsControl)) problem = "the target has a control character";
        else if (target[1..].Split('/').Any(part => part is "" or "." or "..")) problem = "the target has an empty part, . or ..";
        else
        {
            var wanted = target;
            if (s_reserved.FirstOrDefault(r => Paths.IsWithin(wanted, r)) is { } over) problem = $"the target lies over {over}, which the sandbox keeps for itself";
        }
        return problem.Length == 0;
    }

    /// <summary>Checks a path below a mount's target that is to be hidden.</summary>
    public static bool TryExclude(string text, out string exclude)
    {
        exclude = text.TrimEnd('/');
        if (exclude.StartsWith("./", StringComparison.Ordinal)) exclude = exclude[2..];
        return exclude.Length > 0 && !exclude.StartsWith('/') && !exclude.Any(char.IsControl) && exclude.Split('/').All(part => part is not ("" or "." or ".."));
    }
}
