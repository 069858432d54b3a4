using System.Text.Json;

namespace Moat.Cli.Tests;

/// <summary>The command line without a sandbox, on a home of its own.</summary>
[Collection("console")]
public sealed class CommandLineTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("moat-cli-").FullName;

    public CommandLineTests()
    {
        Environment.SetEnvironmentVariable("MOAT_HOME", _home);
        Environment.SetEnvironmentVariable("MOAT_KEYRING_BACKEND", "file");
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void Everything_after_the_dashes_is_the_agents()
    {
        var (words, command) = App.SplitAtDashes(["run", "-g", "x", "--", "sh", "--", "--json"]);
        Assert.Equal(["run", "-g", "x"], words);
        Assert.Equal(["sh", "--", "--json"], command!);
        Assert.Null(App.SplitAtDashes(["list"]).Command);
    }

    [Fact]
    public async Task A_wrong_command_line_is_two_lines_and_125()
    {
        var (code, _, error) = await RunAsync("list", "--jsn");
        Assert.Equal(125, code);
        Assert.Matches("^moat: .*--jsn.*\n  see: moat list --help\n$", error);
    }

    [Fact]
    public async Task A_dry_run_prints_the_resolved_spec_and_leaves_nothing()
    {
        var workspace = Directory.CreateTempSubdirectory("moat-cli-ws-").FullName;
        var (code, output, error) = await RunAsync("run", workspace, "-e", "A=1,2", "--allow-host", "api.example.com", "-n", "dry", "--dry-run", "--", "sh", "-c", "exit 3");
        Directory.Delete(workspace);
        Assert.True(code == 0, error);
        using var spec = JsonDocument.Parse(output);
        Assert.Equal("dry", spec.RootElement.GetProperty("name").GetString());
        Assert.Equal(["sh", "-c", "exit 3"], spec.RootElement.GetProperty("command").EnumerateArray().Select(word => word.GetString()));
        Assert.Equal("1,2", spec.RootElement.GetProperty("env").GetProperty("A").GetString());
        Assert.False(Directory.Exists(Path.Combine(_home, "state", "runs")));
    }

    [Fact]
    public async Task A_configuration_in_the_workspace_is_not_used_before_it_is_trusted()
    {
        var workspace = Directory.CreateTempSubdirectory("moat-cli-ws-").FullName;
        await File.WriteAllTextAsync(Path.Combine(workspace, "moat.yaml"), "name: written-by-an-agent\n", TestContext.Current.CancellationToken);
        var (code, _, error) = await RunAsync("run", workspace, "--no-prompt", "--dry-run", "--", "true");
        Assert.Equal(125, code);
        Assert.Contains("moat trust", error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("trust", workspace, "--yes")).Code);
        Assert.Equal(0, (await RunAsync("run", workspace, "--no-prompt", "--dry-run", "--", "true")).Code);
        await File.AppendAllTextAsync(Path.Combine(workspace, "moat.yaml"), "network: {policy: permissive}\n", TestContext.Current.CancellationToken);
        Assert.Equal(125, (await RunAsync("run", workspace, "--no-prompt", "--dry-run", "--", "true")).Code);
        Directory.Delete(workspace, recursive: true);
    }

    [Fact]
    public async Task Every_listing_has_json_also_when_there_is_nothing()
    {
        foreach (var words in (string[][])[["list"], ["grant", "list"], ["grant", "providers"], ["status"], ["doctor"], ["trust", "--list"], ["version"], ["clean", "--dry-run"]])
        {
            var (_, output, error) = await RunAsync([.. words, "--json"]);
            Assert.True(output.Length > 0, string.Join(' ', words) + ": " + error);
            using var parsed = JsonDocument.Parse(output);
        }
    }

    [Fact]
    public async Task A_run_that_is_not_there_is_an_error_with_a_mend()
    {
        foreach (var command in (string[])["logs", "trace", "audit", "stop", "destroy"])
        {
            var (code, _, error) = await RunAsync(command, "nothing\x1b[2J");
            Assert.Equal(125, code);
            Assert.Contains("moat list", error, StringComparison.Ordinal);
            Assert.DoesNotContain('\x1b', error);
        }
    }

    [Fact]
    public async Task A_grant_goes_in_from_the_environment_and_never_shows_its_secret()
    {
        var secret = "sk-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(20));
        Environment.SetEnvironmentVariable("OPENAI_API_KEY", secret);
        var granted = await RunAsync("grant", "openai", "--no-validate");
        Environment.SetEnvironmentVariable("OPENAI_API_KEY", null);
        Assert.True(granted.Code == 0, granted.Error);
        var (_, output, error) = await RunAsync("grant", "show", "openai");
        Assert.Contains("api.openai.com", output, StringComparison.Ordinal);
        Assert.DoesNotContain(secret[4..], granted.Output + granted.Error + output + error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("revoke", "openai")).Code);
        Assert.Equal(125, (await RunAsync("grant", "show", "openai")).Code);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] words)
    {
        var (before, beforeError) = (Console.Out, Console.Error);
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            var code = await App.RunAsync(words);
            return (code, output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(before);
            Console.SetError(beforeError);
        }
    }
}
