using System.CommandLine;
using System.Text.Json;
using Moat.Cli.Output;

namespace Moat.Cli.Commands;

internal static class GrantProvidersCommand
{
    public static Command Create()
    {
        var command = new Command("providers", "List the providers there are");
        command.SetAction(parsed =>
        {
            IReadOnlyList<ProviderRow> rows = [.. Globals.Catalog(Globals.Directories()).Providers.Select(provider => new ProviderRow(
                provider.Name, provider.Description, JsonNamingPolicy.KebabCaseLower.ConvertName(provider.Origin.ToString()), [.. provider.Bindings.Select(binding => binding.Host).Distinct(StringComparer.Ordinal)], provider.ContainerEnv))];
            if (parsed.GetValue(Globals.Json))
            {
                CliJson.Print(rows);
                return 0;
            }

            var listing = new Listing("NAME", "HOSTS", "PLACEHOLDER IN", "DESCRIPTION");
            foreach (var row in rows) listing.Add(row.Name, string.Join(", ", row.Hosts), string.Join(", ", row.Env), row.Description);
            listing.Print("no providers");
            return 0;
        });
        return command;
    }
}
