using System.CommandLine;
using Moat.Configuration;
using Moat.Credentials;
using Moat.Runs;

namespace Moat.Cli;

/// <summary>Options that every command has, and what every command opens.</summary>
internal static class Globals
{
    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON", Recursive = true };

    public static readonly Option<string?> Profile = new("--profile") { Description = "Credential profile (also MOAT_PROFILE)", Recursive = true, HelpName = "NAME" };

    public static readonly Option<bool> Verbose = new("--verbose", "-v") { Description = "Say more", Recursive = true };

    public static MoatDirectories Directories() => MoatDirectories.FromEnvironment();

    public static RunStore Store() => new(Directories().StateDirectory);

    public static string ProfileOf(ParseResult parsed) =>
        GrantNames.ResolveProfile(parsed.GetValue(Profile), Environment.GetEnvironmentVariable("MOAT_PROFILE"));

    public static ProviderCatalog Catalog(MoatDirectories directories) =>
        ProviderCatalog.Load(Path.Combine(directories.ConfigDirectory, "providers"));

    /// <summary>The run that an argument names; without one the newest.</summary>
    public static RunEntry Find(string? argument) => argument is null ? Store().Latest() : Store().Resolve(argument);

    public static Argument<string?> RunArgument(string text = "ID, start of an ID, or name of the run; without it the newest") =>
        Completing(new Argument<string?>("run") { Description = text, Arity = ArgumentArity.ZeroOrOne });

    public static Argument<string[]> RunArguments() => Completing(new Argument<string[]>("run")
    {
        Description = "IDs, starts of IDs, or names",
        Arity = ArgumentArity.OneOrMore,
    });

    private static Argument<T> Completing<T>(Argument<T> argument)
    {
        // Without it the help would list every completion, that is every run.
        argument.HelpName = argument.Name;
        argument.CompletionSources.Add(_ => Store().List().SelectMany(run => (string[])[run.State.Id, run.State.Name])
            .Where(text => text.Length > 0).Distinct(StringComparer.Ordinal).Select(text => new System.CommandLine.Completions.CompletionItem(text)));
        return argument;
    }
}
