using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The question before a workspace's configuration counts, at a real terminal.</summary>
public class TrustPromptTests
{
    private const string Question = "Trust this configuration?";

    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_yes_runs_and_is_remembered_for_this_very_content(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var config = Configure(home, "first");
        var (code, seen) = await RunAsync(home, "yes\n");
        Assert.Equal(0, code);
        // What is asked for stands before the question.
        var asked = seen.IndexOf(Question, StringComparison.Ordinal);
        foreach (var line in (string[])["asks for:", "reaches api.example.test", "sets variables: FROM", "mounts /usr/share at /data (read only)"])
            Assert.InRange(seen.IndexOf(line, StringComparison.Ordinal), 0, asked);
        Assert.Contains("ran with first", seen, StringComparison.Ordinal);

        (code, seen) = await RunAsync(home, "", when: null);
        Assert.Equal(0, code);
        Assert.DoesNotContain(Question, seen, StringComparison.Ordinal);
        Assert.Contains("ran with first", seen, StringComparison.Ordinal);

        // One byte more is another configuration.
        home.Write(config, await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken) + "\n");
        (code, seen) = await RunAsync(home, "n\n");
        Assert.Equal(125, code);
        Assert.DoesNotContain("ran with", seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Anything_but_a_yes_refuses_with_125_and_is_asked_again(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        Configure(home, "never");
        foreach (var answer in (string[])["n\n", "\n", "yup\n"])
        {
            var (code, seen) = await RunAsync(home, answer);
            Assert.Equal(125, code);
            Assert.Contains("is not trusted", seen, StringComparison.Ordinal);
            Assert.Contains("moat trust " + home.Workspace, seen, StringComparison.Ordinal);
            Assert.DoesNotContain("ran with", seen, StringComparison.Ordinal);
        }

        Assert.Equal(125, (await home.MoatAsync("run", home.Workspace, "--", "true")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Without_a_terminal_or_with_no_prompt_nothing_is_asked(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        Configure(home, "never");
        var result = await home.MoatAsync("y\n", ["run", home.Workspace, "--", "sh", "-c", "echo ran with"]);
        Assert.Equal(125, result.ExitCode);
        Assert.DoesNotContain(Question, result.Err, StringComparison.Ordinal);
        Assert.Contains($"moat trust {home.Workspace}", result.Err, StringComparison.Ordinal);
        Assert.Equal("", result.Out);

        var (code, seen) = await Terminal.RunAsync(home, $"run {home.Workspace} --no-prompt -- sh -c \"$SCRIPT\"", "echo ran with", "", null);
        Assert.Equal(125, code);
        Assert.DoesNotContain(Question, seen, StringComparison.Ordinal);
        Assert.Contains("moat trust " + home.Workspace, seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_66_what_the_agent_wrote_cannot_draw_over_the_question(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(Path.Combine(home.Workspace, "moat.yaml"), "command: [\"sh\", \"-c\", \"x \\e[2J\\e]52;c;aGk=\\a \\u202E harmless\"]\nnetwork:\n  registries: false\n");
        var (code, seen) = await RunAsync(home, "n\n");
        Assert.Equal(125, code);
        Assert.Contains("runs: sh -c", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[2J", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b]52", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", seen, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Seen)> RunAsync(MoatHome home, string answer, string? when = Question) =>
        Terminal.RunAsync(home, $"run {home.Workspace} -- sh -c \"$SCRIPT\"", "echo ran with $FROM", answer, when);

    private static string Configure(MoatHome home, string from) => home.Write(Path.Combine(home.Workspace, "moat.yaml"), $"""
        env:
          FROM: {from}
        mounts:
          - /usr/share:/data:ro
        network:
          registries: false
          rules:
            - api.example.test
        """);
}
