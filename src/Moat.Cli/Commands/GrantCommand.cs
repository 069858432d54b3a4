using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat grant NAME</c>, and what is known of grants: <c>list</c>, <c>show</c>, <c>providers</c>, <c>doctor</c>.</summary>
internal static class GrantCommand
{
    private static readonly Argument<string?> s_name = new("name") { Description = "Provider, as `moat grant providers` lists them", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> s_noValidate = new("--no-validate") { Description = "Store the credential without asking the provider whether it works" };

    private static readonly Option<string[]> s_scope = new("--scope") { Description = "What it may be used for: \"GET /path/**\", or a preset such as read-only; several times for several", HelpName = "SCOPE" };

    private static readonly Option<string?> s_url = new("--url") { Description = "Where the server is (mcp:NAME)", HelpName = "URL" };
    private static readonly Option<string?> s_header = new("--header") { Description = "Header that takes the credential there, when it is no bearer token (mcp:NAME)", HelpName = "NAME" };

    private static readonly Option<string?> s_host = new("--host") { Description = "The one host (ssh), or the server (postgres, mysql, redis)", HelpName = "HOST" };
    private static readonly Option<string?> s_key = new("--key") { Description = "Which key (ssh): a private key file, or a key of the ssh-agent by its fingerprint, comment or .pub file", HelpName = "KEY" };
    private static readonly Option<string[]> s_hostKeys = new("--host-key") { Description = "The host's own key as \"TYPE BASE64\" (ssh), when it is not in known_hosts", HelpName = "KEY" };
    private static readonly Option<bool> s_signCommits = new("--sign-commits") { Description = "The key signs git commits too (ssh)" };

    public static Command Create()
    {
        var command = new Command("grant", "Store a credential; a run uses it without ever holding it") { s_name, s_noValidate, s_scope, s_url, s_header, s_host, s_key, s_hostKeys, s_signCommits };
        foreach (var option in AwsOptions.All) command.Options.Add(option);
        DatabaseOptions.AddTo(command);
        command.Subcommands.Add(GrantListCommand.Create());
        command.Subcommands.Add(GrantShowCommand.Create());
        command.Subcommands.Add(GrantProvidersCommand.Create());
        command.Subcommands.Add(GrantDoctorCommand.Create());
        command.Subcommands.Add(GrantOAuthCommand.Create());
        command.Subcommands.Add(GrantDockerCommand.Create());
        command.Subcommands.Add(GrantKubeCommand.Create());
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var name = parsed.GetValue(s_name) ?? throw new Spec.MoatException("which grant?", "moat grant NAME; `moat grant providers` lists the names");
        var isSsh = name.Equals("ssh", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ssh:", StringComparison.OrdinalIgnoreCase);
        var directories = Globals.Directories();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var info = await new GrantService(vault, Globals.Catalog(directories)).GrantAsync(new GrantRequest(name)
        {
            NoValidate = parsed.GetValue(s_noValidate),
            Url = parsed.GetValue(s_url),
            Header = parsed.GetValue(s_header),
            Host = isSsh ? parsed.GetValue(s_host) : null,
            Key = parsed.GetValue(s_key),
            HostKeys = [.. parsed.GetValue(s_hostKeys) ?? []],
            SignsCommits = parsed.GetValue(s_signCommits),
            Aws = AwsOptions.Read(parsed),
            Database = DatabaseOptions.Of(parsed, isSsh ? null : parsed.GetValue(s_host)),
            Scope = [.. parsed.GetValue(s_scope) ?? []],
            OAuth = GrantOAuthCommand.Plain(directories),
            Prompt = Ask.IsPossible ? Ask.ForSecret : null,
        }, ct).ConfigureAwait(false);
        return Print(parsed, info);
    }

    /// <summary>Says what was stored.</summary>
    internal static int Print(ParseResult parsed, GrantInfo info)
    {
        if (parsed.GetValue(Globals.Json)) CliJson.Print<IReadOnlyList<GrantInfo>>([info]);
        else Console.Out.WriteLine($"granted {info.Name} from {info.Source}; use it with: moat run --grant {info.Name} -- COMMAND");
        return 0;
    }
}
