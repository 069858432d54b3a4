using System.Collections.Immutable;
using System.CommandLine;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Credentials;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class RunCommand
{
    private static readonly Argument<string?> s_path = new("path") { Description = "The workspace; without it the current folder", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string[]> s_grants = Many("--grant", "-g", "Credential to use, by name; several with commas", "NAME");
    private static readonly Option<string[]> s_env = Many("--env", "-e", "Variable for the agent; K alone takes the value from here", "K=V");
    private static readonly Option<string[]> s_mounts = Many("--mount", "-m", "Extra folder or file", "SRC:DST[:ro|rw]");
    private static readonly Option<string?> s_name = new("--name", "-n") { Description = "Name of the run", HelpName = "NAME" };
    private static readonly Option<string?> s_config = new("--config") { Description = "Configuration in place of the workspace's moat.yaml", HelpName = "FILE" };
    private static readonly Option<string[]> s_hosts = Many("--allow-host", null, "Host that the agent may reach besides", "HOST[:PORT]");
    private static readonly Option<string?> s_policy = new("--policy") { Description = "Cedar policy that decides beside the network rules; without any it decides alone", HelpName = "FILE" };
    private static readonly Option<string?> s_policyMode = new("--policy-mode") { Description = "enforce, shadow (record what it would deny) or record (do not ask it)", HelpName = "MODE" };
    private static readonly Option<string[]> s_downgrades = Many("--downgrade", null, "Protection to go without, by name; it is recorded", "NAME");
    private static readonly Option<bool> s_interactive = new("--interactive", "-i") { Description = "Give the agent a terminal even when this is none" };
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Print the resolved run spec and start nothing" };
    private static readonly Option<bool> s_noPrompt = new("--no-prompt") { Description = "Never ask; what would need an answer is an error (also MOAT_NO_PROMPT=1)" };
    private static readonly Option<string[]> s_secrets = Many("--secret", null, "Secret for requests to a host: K takes the value from here, K=SOURCE from env://, file://, cmd://, op:// or ssm://", "K[=SOURCE]@HOST");

    /// <param name="words">The words after <c>--</c>; null when there were no dashes.</param>
    public static Command Create(IReadOnlyList<string>? words)
    {
        var command = new Command("run", "Run a command in a sandbox: moat run [PATH] [options] -- COMMAND ARGS...")
        {
            s_path, s_grants, s_env, s_mounts, s_name, s_config, s_hosts, s_policy, s_policyMode, s_downgrades, s_interactive, s_dryRun, s_noPrompt, s_secrets,
        };
        foreach (var flag in CredentialClasses.Options) command.Options.Add(flag);
        command.SetAction((parsed, ct) => RunAsync(parsed, words ?? [], ct));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, IReadOnlyList<string> words, CancellationToken ct)
    {
        if (!parsed.GetValue(s_dryRun)) Supervisor.WarmUp();
        var directories = Globals.Directories();
        var catalog = new Lazy<ProviderCatalog>(() => Globals.Catalog(directories));
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var secrets = (parsed.GetValue(s_secrets) ?? []).Select(SecretText.Parse).ToList();
        var (spec, policy) = await ResolveAsync(parsed, words, directories, catalog, vault, [.. secrets.Select(secret => secret.Secret)], ct).ConfigureAwait(false);
        if (parsed.GetValue(s_dryRun))
        {
            Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(RunSpecJson.Serialize(spec)));
            return 0;
        }

        using var values = await SecretValues.ReadAsync(spec.Secrets, secrets, ct).ConfigureAwait(false);
        return await Supervisor.RunAsync(new SupervisorOptions
        {
            Spec = spec,
            StateDirectory = directories.StateDirectory,
            DataDirectory = directories.DataDirectory,
            Vault = vault,
            Catalog = () => catalog.Value,
            Secrets = values.ByName,
            PolicySource = policy,
            Say = line => Say(line, spec.Interactive),
        }, ct).ConfigureAwait(false);
    }

    private static async Task<(RunSpec Spec, PolicySource? Policy)> ResolveAsync(ParseResult parsed, IReadOnlyList<string> words, MoatDirectories directories, Lazy<ProviderCatalog> catalog, Vault vault,
        ImmutableArray<SecretSpec> secrets, CancellationToken ct)
    {
        var mayAsk = Ask.IsPossible && !parsed.GetValue(s_noPrompt) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("MOAT_NO_PROMPT"));
        var path = parsed.GetValue(s_path) ?? ".";
        var workspace = WorkspaceCheck.Of(path, directories);
        if (workspace.NeedsConfirmation && !(mayAsk && Ask.Confirm($"{workspace.Reason}. Use it as the workspace all the same?")))
            throw new MoatException(workspace.Reason, "name a folder of the project: moat run PATH -- COMMAND");
        var request = new RunRequest
        {
            WorkspacePath = path,
            Command = [.. words],
            Grants = [.. parsed.GetValue(s_grants) ?? [], .. CredentialClasses.GrantsOf(parsed, new(() => vault.List()))],
            Secrets = secrets,
            Env = [.. parsed.GetValue(s_env) ?? []],
            Mounts = [.. parsed.GetValue(s_mounts) ?? []],
            Name = parsed.GetValue(s_name),
            ConfigFile = parsed.GetValue(s_config),
            AllowHosts = [.. parsed.GetValue(s_hosts) ?? []],
            Interactive = parsed.GetValue(s_interactive) || (!Console.IsInputRedirected && !Console.IsOutputRedirected) ? true : null,
            Profile = Globals.ProfileOf(parsed),
            Policy = RunPolicy.Read(parsed.GetValue(s_policy), workspace.HostPath),
            PolicyMode = RunPolicy.Mode(parsed.GetValue(s_policyMode)),
            Downgrades = [.. parsed.GetValue(s_downgrades) ?? []],
        };
        var file = ConfigurationLoader.Load(request.ConfigFile ?? workspace.HostPath);
        if (file is not null) RequireTrust(file, workspace.HostPath, directories, mayAsk);
        var grants = RunSpecBuilder.Grants(request, file);
        if (!grants.IsEmpty && !parsed.GetValue(s_dryRun)) await MissingGrants.AskForAsync(grants, vault, catalog.Value, mayAsk, ct).ConfigureAwait(false);
        IReadOnlyList<HostRuleSpec> grantRules = grants.IsEmpty ? [] : GrantRules.For(grants, catalog.Value, vault);
        IReadOnlyList<HostRuleSpec> registries = file?.Configuration.Network is { Registries: false } ? []
            : RegistryDiscovery.Discover(Environment.GetEnvironmentVariable, directories.CacheDirectory);
        var spec = new RunSpecBuilder(directories).Build(request, file, [.. grantRules, .. SecretGrants.Rules(RunSpecBuilder.Secrets(request, file))], registries);
        return (RunPolicy.Apply(spec, hasNetwork: file?.Configuration.Network is not null), RunPolicy.Source(parsed.GetValue(s_policy), file, spec));
    }

    private static void RequireTrust(LoadedConfiguration file, string workspace, MoatDirectories directories, bool mayAsk)
    {
        var store = new TrustStore(directories.DataDirectory);
        if (store.IsTrusted(file, workspace)) return;
        if (!mayAsk)
            throw new MoatException($"{Printable.Text(file.Path)} is not trusted yet; an agent may have written it", $"look at it, then: moat trust {Printable.Text(workspace)}");
        TrustCommand.Show(file);
        if (!Ask.Confirm("Trust this configuration?"))
            throw new MoatException($"{Printable.Text(file.Path)} is not trusted", $"when you have looked at it: moat trust {Printable.Text(workspace)}");
        store.Trust(file, workspace);
    }

    // In raw mode the terminal does not go back to the first column by itself.
    private static void Say(string line, bool raw) =>
        StandardStream.Error.TryWrite(raw ? $"\r{line.Replace("\n", "\r\n", StringComparison.Ordinal)}\r\n" : line + "\n");

    private static Option<string[]> Many(string name, string? alias, string description, string value)
    {
        var option = alias is null ? new Option<string[]>(name) : new Option<string[]>(name, alias);
        option.Description = description;
        option.HelpName = value;
        return option;
    }
}
