using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

internal static class GrantListCommand
{
    public static Command Create()
    {
        var command = new Command("list", "List the stored grants");
        command.SetAction(parsed =>
        {
            var directories = Globals.Directories();
            using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
            IReadOnlyList<GrantInfo> grants = new GrantService(vault, Globals.Catalog(directories)).List();
            if (parsed.GetValue(Globals.Json))
            {
                CliJson.Print(grants);
                return 0;
            }

            var listing = new Listing("NAME", "HOSTS", "FROM", "GRANTED", "EXPIRES", "STATE");
            foreach (var grant in grants)
                listing.Add(grant.Name, string.Join(", ", grant.Hosts), grant.Source, Words.Day(grant.CreatedAt), Words.Day(grant.ExpiresAt), grant.Problem ?? "ready");
            listing.Print("no grants yet; store one with: moat grant NAME");
            return 0;
        });
        return command;
    }
}
