using System.CommandLine;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat grant oauth NAME</c>: a login at an authorization server, stored as <c>oauth:NAME</c> or <c>mcp:NAME</c>.</summary>
internal static class GrantOAuthCommand
{
    private static readonly Argument<string> s_name = new("name") { Description = "NAME, or mcp:NAME for the login of an MCP server", HelpName = "NAME" };
    private static readonly Option<string?> s_url = Text("--url", "Address that takes the token; its server is found by what it says of itself", "URL");
    private static readonly Option<string?> s_auth = Text("--auth-url", "Authorization endpoint", "URL");
    private static readonly Option<string?> s_token = Text("--token-url", "Token endpoint", "URL");
    private static readonly Option<string?> s_deviceUrl = Text("--device-url", "Device authorization endpoint", "URL");
    private static readonly Option<string?> s_client = Text("--client-id", "Client, where the server registers none by itself", "ID");
    private static readonly Option<string?> s_secret = Text("--client-secret", "Where the client's secret is: env://, file://, cmd://, op://, ssm://", "SOURCE");
    private static readonly Option<string?> s_scopes = Text("--scopes", "Scopes, with spaces between", "SCOPES");
    private static readonly Option<bool> s_device = new("--device") { Description = "Log in on another device, with a code" };
    private static readonly Option<string[]> s_scope = new("--scope") { Description = "What the grant may be used for: \"GET /path/**\"; several times for several", HelpName = "SCOPE" };

    public static Command Create()
    {
        var command = new Command("oauth", "Log in with a browser or a code; Moat keeps the tokens and renews them") { s_name, s_url, s_auth, s_token, s_deviceUrl, s_client, s_secret, s_scopes, s_device, s_scope };
        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>A login without flags: by the person's file, or by what the server says of itself.</summary>
    public static OAuthRequest Plain(MoatDirectories directories) => new()
    {
        Folder = Path.Combine(directories.ConfigDirectory, "oauth"),
        Tell = text => Console.Error.WriteLine(Runs.Printable.Text(text)),
        OpenBrowser = Browser.Open,
    };

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var name = parsed.GetRequiredValue(s_name);
        var directories = Globals.Directories();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var info = await new GrantService(vault, Globals.Catalog(directories)).GrantAsync(new GrantRequest(name.Contains(':', StringComparison.Ordinal) ? name : $"oauth:{name}")
        {
            LogsIn = true,
            Url = parsed.GetValue(s_url),
            Scope = [.. parsed.GetValue(s_scope) ?? []],
            OAuth = Plain(directories) with
            {
                AuthUrl = parsed.GetValue(s_auth),
                TokenUrl = parsed.GetValue(s_token),
                DeviceUrl = parsed.GetValue(s_deviceUrl),
                ClientId = parsed.GetValue(s_client),
                ClientSecret = parsed.GetValue(s_secret),
                Scopes = parsed.GetValue(s_scopes),
                UsesDevice = parsed.GetValue(s_device),
            },
        }, ct).ConfigureAwait(false);
        return GrantCommand.Print(parsed, info);
    }

    private static Option<string?> Text(string name, string description, string help) => new(name) { Description = description, HelpName = help };
}
