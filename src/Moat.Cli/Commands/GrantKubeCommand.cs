using System.CommandLine;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat grant kube</c>: one context of the person's kubeconfig.</summary>
internal static class GrantKubeCommand
{
    private const string Name = "kube";
    private static readonly Option<string?> s_context = new("--context") { Description = "Context of your kubeconfig; without it the current one", HelpName = "NAME" };
    private static readonly Option<string[]> s_scope = new("--scope") { Description = "What it may be used for: \"GET /api/**\"; several times for several", HelpName = "SCOPE" };

    public static Command Create()
    {
        var command = new Command(Name, "Store the token of a Kubernetes cluster") { s_context, s_scope };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var directories = Globals.Directories();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var info = await new GrantService(vault, Globals.Catalog(directories)).GrantAsync(new GrantRequest(Name) { KubeContext = parsed.GetValue(s_context), Scope = [.. parsed.GetValue(s_scope) ?? []] }, ct).ConfigureAwait(false);
        return GrantCommand.Print(parsed, info);
    }
}
