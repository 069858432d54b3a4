using Moat.Cli.Output;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Cli;

/// <summary>Grants that a run wants and that are not stored: asked for before anything starts, or all of them told at once.</summary>
internal static class MissingGrants
{
    /// <exception cref="MoatException">There is nobody to ask, or the person said no.</exception>
    public static async Task AskForAsync(IEnumerable<GrantSpec> grants, Vault vault, ProviderCatalog catalog, bool mayAsk, CancellationToken ct)
    {
        var missing = grants.Select(grant => catalog.Get(grant.Name).Name).Distinct(StringComparer.Ordinal).Where(name => vault.Version(name) is null).ToList();
        if (missing.Count == 0) return;
        var profile = vault.Profile.Length == 0 ? "" : $" --profile {vault.Profile}";
        var commands = string.Join(" && ", missing.Select(name => $"moat grant {name}{profile}"));
        var problem = missing.Count == 1 ? $"the grant {missing[0]} is not stored" : $"the grants {string.Join(", ", missing)} are not stored";
        if (vault.Profile.Length > 0) problem += $" in the profile {vault.Profile}";
        if (!mayAsk) throw new MoatException(problem, "run: " + commands);
        foreach (var name in missing)
        {
            if (!Ask.Confirm($"The grant {name} is not stored. Store it now?")) throw new MoatException(problem, "run: " + commands);
            var info = await new GrantService(vault, catalog).GrantAsync(new GrantRequest(name) { Prompt = Ask.ForSecret, OAuth = Commands.GrantOAuthCommand.Plain(Globals.Directories()) }, ct).ConfigureAwait(false);
            Console.Error.WriteLine($"moat: granted {info.Name} from {info.Source}");
        }
    }
}
