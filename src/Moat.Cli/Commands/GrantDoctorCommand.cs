using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat grant doctor</c>: asks each provider whether it still takes what is stored.</summary>
internal static class GrantDoctorCommand
{
    private static readonly Argument<string[]> s_names = new("name") { Description = "Names of grants; without one all of the profile", Arity = ArgumentArity.ZeroOrMore };

    public static Command Create()
    {
        var command = new Command("doctor", "Ask each provider whether the stored grants work") { s_names };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var directories = Globals.Directories();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        IReadOnlyList<GrantCheck> checks = await new GrantService(vault, Globals.Catalog(directories)).CheckAsync(parsed.GetValue(s_names) ?? [], ct).ConfigureAwait(false);
        if (parsed.GetValue(Globals.Json))
        {
            CliJson.Print(checks);
        }
        else
        {
            var listing = new Listing("NAME", "STATE", "EXPIRES", "");
            foreach (var check in checks)
                listing.Add(check.Name, check.Health.ToString().ToLowerInvariant(), check.IsRenewed ? $"{Words.Day(check.ExpiresAt)}, renewed before" : Words.Day(check.ExpiresAt), check.Message);
            listing.Print("no grants yet; store one with: moat grant NAME");
        }

        return checks.Any(check => check.Health == GrantHealth.Bad) ? 1 : 0;
    }
}
