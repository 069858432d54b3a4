using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>Turns what bubblewrap says when it cannot start into the mend.</summary>
internal static class StartFailure
{
    public static MoatException Explain(string text)
    {
        var line = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "bubblewrap ended without a word";
        if (line.Contains("namespace", StringComparison.OrdinalIgnoreCase) || line.Contains("uid map", StringComparison.OrdinalIgnoreCase))
            return new MoatException("this host does not let Moat make a user namespace: " + line, HostProbe.UserNamespaceMend());
        return new MoatException("the sandbox could not be made: " + line, "Run 'moat doctor' to see what this host lacks.");
    }
}
