using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

internal static class GrantShowCommand
{
    private static readonly Argument<string> s_name = new("name") { Description = "Name of the grant" };

    public static Command Create()
    {
        var command = new Command("show", "Show one grant; never its secret") { s_name };
        command.SetAction(parsed =>
        {
            var directories = Globals.Directories();
            using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
            var details = new GrantService(vault, Globals.Catalog(directories)).Show(parsed.GetValue(s_name)!);
            if (parsed.GetValue(Globals.Json))
            {
                CliJson.Print(new GrantRow(details.Info, details.MaskedToken, details.ContainerEnv, details.Scope,
                    [.. details.Bindings.Select(binding => new BindingRow(binding.Scheme, binding.Host, binding.Port ?? 443, binding.Method, binding.Path, binding.Slot, binding.Name, binding.Argument))]));
                return 0;
            }

            var listing = new Listing("FIELD", "VALUE");
            listing.Add("name", details.Info.Name);
            listing.Add("credential", details.MaskedToken);
            listing.Add("from", details.Info.Source);
            listing.Add("granted", Words.Day(details.Info.CreatedAt));
            listing.Add("expires", Words.Day(details.Info.ExpiresAt));
            if (details.Database is { } database) listing.Add("logs in at", database.Describe());
            foreach (var scope in details.Scope) listing.Add("only for", scope);
            foreach (var host in details.ExtraHosts) listing.Add("also opens", host);
            foreach (var name in details.ContainerEnv) listing.Add("placeholder in", name);
            listing.Add("state", details.Info.Problem ?? "ready");
            listing.Print("");
            if (details.Bindings.IsEmpty) return 0;
            Console.Out.WriteLine();
            var bindings = new Listing("GOES TO", "METHOD", "PATH", "WRITTEN AS");
            foreach (var binding in details.Bindings) bindings.Add(binding.Origin, binding.Method, binding.Path, binding.Describe());
            bindings.Print("");
            return 0;
        });
        return command;
    }
}
