namespace Moat.Configuration;

/// <summary>Fields of moat.yaml whose feature this Moat does not have: each is an error that says what to do instead, never a field that is ignored.</summary>
internal static class NotYet
{
    /// <summary>Top-level fields.</summary>
    public static readonly IReadOnlyDictionary<string, string> Fields = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["dependencies"] = "remove it; the sandbox sees the programs that are installed under the host's /usr",
        ["base_image"] = "remove it; the sandbox sees the host's /usr in place of an image",
        ["runtime"] = "remove it; bubblewrap is the one runtime",
        ["services"] = "remove it, start the service on the host and open its port with network.host",
        ["hooks"] = "remove it and put the steps into the command (command: [sh, -c, \"...\"])",
        ["volumes"] = "remove it and mount a folder of the host with mounts",
        ["ports"] = "remove it; ports of the sandbox cannot be reached from outside",
        ["mcp"] = "remove it and open the server's host with network.rules",
        ["claude"] = "remove it; the agent's own settings in the workspace work as they are",
        ["codex"] = "remove it; the agent's own settings in the workspace work as they are",
        ["gemini"] = "remove it; the agent's own settings in the workspace work as they are",
        ["copilot"] = "remove it; the agent's own settings in the workspace work as they are",
        ["pi"] = "remove it; the agent's own settings in the workspace work as they are",
        ["snapshots"] = "remove it and commit to git before a run",
        ["tracing"] = "remove it; the network is always traced (moat trace --network)",
        ["language_servers"] = "remove it",
    };

    public const string KeepPolicy = "remove it and write request rules (network.rules: [{\"host\": [\"allow GET /path/**\"]}])";

    public const string Dns = "remove it; names are resolved on the host, and network.resolve gives a name an address";

    public const string VolumeWorkspace = "remove it or write bind; the workspace is mounted as it is";

    public const string Clipboard = "remove it or write false; the sandbox never reaches the clipboard";

    public static string Problem(string field) => $"{field} does not work in this version of Moat";
}
