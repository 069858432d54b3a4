using System.CommandLine;
using Moat.Credentials;

namespace Moat.Cli.Commands;

internal static class RevokeCommand
{
    private static readonly Argument<string> s_name = new("name") { Description = "Name of the grant" };

    public static Command Create()
    {
        var command = new Command("revoke", "Remove a grant; running runs that use it are denied within a second") { s_name };
        command.SetAction(parsed =>
        {
            var directories = Globals.Directories();
            var name = parsed.GetValue(s_name)!;
            using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
            new GrantService(vault, Globals.Catalog(directories)).Revoke(name);
            Console.Out.WriteLine($"revoked {name}; at the provider it is still valid: revoke it there too if it may have leaked");
            return 0;
        });
        return command;
    }
}
