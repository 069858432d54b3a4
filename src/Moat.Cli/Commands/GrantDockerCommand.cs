using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat grant docker</c>: the credentials of container registries.</summary>
internal static class GrantDockerCommand
{
    private static readonly Option<string[]> s_registry = new("--registry") { Description = "Registry, with a port where it is not 443; without it those of your own docker", HelpName = "HOST" };
    private static readonly Option<string?> s_user = new("--user") { Description = "User there; the password is DOCKER_PASSWORD or typed. Without it both are your own docker's", HelpName = "NAME" };
    private static readonly Option<string?> s_authHost = new("--auth-host") { Description = "Host that gives the registry's tokens, where it is another", HelpName = "HOST" };
    private static readonly Option<bool> s_noValidate = new("--no-validate") { Description = "Store the credential without showing it to the registry" };

    public static Command Create()
    {
        var command = new Command(Name, "Store the credentials of container registries") { s_registry, s_user, s_authHost, s_noValidate };
        command.SetAction(RunAsync);
        return command;
    }

    private const string Name = "docker";

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var directories = Globals.Directories();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var info = await new GrantService(vault, Globals.Catalog(directories)).GrantAsync(new GrantRequest(Name)
        {
            NoValidate = parsed.GetValue(s_noValidate),
            Registry = new RegistryRequest([.. parsed.GetValue(s_registry) ?? []], parsed.GetValue(s_user), parsed.GetValue(s_authHost)),
            Prompt = Ask.IsPossible ? Ask.ForSecret : null,
        }, ct).ConfigureAwait(false);
        return GrantCommand.Print(parsed, info);
    }
}
