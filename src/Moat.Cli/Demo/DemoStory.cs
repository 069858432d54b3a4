using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moat.Runs;
using Moat.Spec;
using Spectre.Console;

namespace Moat.Cli.Demo;

/// <summary>
/// The main job, end to end, told as a story: a service, a secret, an agent that tries its luck, and the log that proves
/// what happened. Every sentence is checked; one that does not hold ends the demo with exit code 1.
/// </summary>
internal static class DemoStory
{
    private static int s_failed;

    public static async Task<int> TellAsync(CancellationToken ct)
    {
        RequireCurl();
        var secret = "demo_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
        var api = await DemoApi.StartAsync(secret, ct).ConfigureAwait(false);
        await using (api.ConfigureAwait(false))
        {
            using var stage = new DemoStage(api);
            Chapter("1. A service and a secret");
            Say($"An HTTPS API on loopback stands in for a real service: https://{DemoApi.Host}/. It wants a token.");
            Say($"The token was made up a moment ago ({secret[..9]}...). You grant it once:");
            await GrantAsync(stage, secret, ct).ConfigureAwait(false);

            Chapter("2. An agent in a sandbox");
            var run = await RunAsync(stage, secret, ct).ConfigureAwait(false);
            Check(api.Seen.Count == 2 && api.Seen.All(header => header == "Bearer " + secret), "the service saw two requests, both with the real token");

            Chapter("3. What happened");
            await TraceAsync(stage, run, ct).ConfigureAwait(false);
            await AuditAsync(stage, run, ct).ConfigureAwait(false);
            Check(!stage.Holds(Encoding.UTF8.GetBytes(secret)), "the secret stands in no file that the run left: the vault is encrypted, the logs never had it");
        }

        return End();
    }

    private static async Task GrantAsync(DemoStage stage, string secret, CancellationToken ct)
    {
        Prompt("moat grant demo --no-validate");
        var (code, output, error) = await stage.MoatAsync(secret, ["grant", "demo", "--no-validate"], ct).ConfigureAwait(false);
        Quote(output + error);
        Check(code == 0, "the secret is in the vault, encrypted");
    }

    private static async Task<string> RunAsync(DemoStage stage, string secret, CancellationToken ct)
    {
        var steps = DemoSteps.Of(secret);
        Prompt("moat run --grant demo -- sh agent.sh");
        await File.WriteAllTextAsync(Path.Combine(stage.Workspace, "agent.sh"), DemoSteps.Script(steps), ct).ConfigureAwait(false);
        var (code, output, error) = await stage.MoatAsync(null, ["run", stage.Workspace, "--config", stage.ConfigFile, "--grant", "demo", "--", "sh", "agent.sh"], ct).ConfigureAwait(false);
        var parts = DemoSteps.Split(output);
        if (parts.Length != steps.Count)
        {
            Quote(output + error);
            throw new MoatException($"the demo's agent did not run (exit code {code})", "run `moat doctor` to see what this host lacks");
        }

        for (var i = 0; i < steps.Count; i++)
        {
            Say(steps[i].Tale);
            Inside(steps[i].Command);
            Quote(parts[i]);
            Check(steps[i].Holds(parts[i]), steps[i].Lesson);
        }

        Say("Meanwhile, on your terminal:");
        Quote(error);
        Check(error.Contains("moat: denied", StringComparison.Ordinal) && !(output + error).Contains(secret, StringComparison.Ordinal), "you were told of each denial, and how to allow it; the secret was nowhere");
        var (_, list, _) = await stage.MoatAsync(null, ["list", "--json"], ct).ConfigureAwait(false);
        using var runs = JsonDocument.Parse(list);
        return runs.RootElement[0].GetProperty("id").GetString()!;
    }

    private static async Task TraceAsync(DemoStage stage, string run, CancellationToken ct)
    {
        Prompt("moat trace --network");
        var (code, output, _) = await stage.MoatAsync(null, ["trace", run, "--network"], ct).ConfigureAwait(false);
        Quote(output);
        Check(code == 0 && output.Contains(DemoApi.Host + "/whoami", StringComparison.Ordinal) && output.Contains("denied", StringComparison.Ordinal), "each request with its decision, the rule and the grant that went in");
    }

    private static async Task AuditAsync(DemoStage stage, string run, CancellationToken ct)
    {
        var bundle = Path.Combine(stage.Root, "audit.bundle");
        Prompt("moat audit --export audit.bundle");
        var (code, _, error) = await stage.MoatAsync(null, ["audit", run, "--export", bundle], ct).ConfigureAwait(false);
        var key = error.Split('\'') is [_, var text, ..] ? text : "";
        Check(code == 0 && key.Length > 0, "the log and its proofs are one file, for anybody who holds the public key");
        Prompt("moat audit verify audit.bundle --key ...");
        var (sound, verdict, _) = await stage.MoatAsync(null, ["audit", "verify", bundle, "--key", key], ct).ConfigureAwait(false);
        Quote(verdict);
        Check(sound == 0, "complete and untouched: every record is chained, and the seal is signed");

        Say("One byte of the log is changed:");
        var bytes = await File.ReadAllBytesAsync(bundle, ct).ConfigureAwait(false);
        var at = bytes.AsSpan().LastIndexOf("whoami"u8);
        if (at >= 0) bytes[at] = (byte)'W';
        await File.WriteAllBytesAsync(bundle, bytes, ct).ConfigureAwait(false);
        var (tampered, found, _) = await stage.MoatAsync(null, ["audit", "verify", bundle, "--key", key], ct).ConfigureAwait(false);
        Quote(found);
        Check(at >= 0 && tampered == 1, "and the verifier names the first record that is not what was written");
    }

    private static int End()
    {
        if (s_failed > 0)
        {
            Console.Out.WriteLine($"\n{s_failed} of these did not hold on this host. `moat doctor` shows what it lacks.");
            return 1;
        }

        Chapter("What to do next");
        Console.Out.WriteLine("""
              moat grant github             store a real credential (moat grant providers: all there are)
              cd your-project && moat init  write a commented moat.yaml
              moat run -g github -- COMMAND run an agent there
              moat list, moat trace, moat audit   see what it did
            """);
        return 0;
    }

    private static void RequireCurl()
    {
        IReadOnlyList<string> folders = ["/usr/bin", "/bin", "/usr/local/bin"];
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "curl"))))
            throw new MoatException("the demo's agent calls curl, and there is none", "install it: apt-get install -y curl");
    }

    private static void Chapter(string title) => Styled($"\n{title}", "bold");

    private static void Say(string text) => Console.Out.WriteLine($"\n  {text}");

    private static void Prompt(string command) => Styled($"  $ {command}", "cyan");

    private static void Inside(string command) => Styled($"  agent$ {command}", "yellow");

    // What the sandbox printed is shown, not obeyed.
    private static void Quote(string text)
    {
        foreach (var line in text.TrimEnd('\n').Split('\n')) Styled("    " + Printable.Text(line), "grey");
    }

    private static void Check(bool holds, string lesson)
    {
        if (!holds) s_failed++;
        Styled(holds ? $"  ✓ {lesson}" : $"  ✗ did not hold: {lesson}", holds ? "green" : "red");
    }

    private static void Styled(string text, string style)
    {
        if (Console.IsOutputRedirected) Console.Out.WriteLine(text);
        else AnsiConsole.MarkupLine($"[{style}]{Markup.Escape(text)}[/]");
    }
}
