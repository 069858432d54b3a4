using System.Text.RegularExpressions;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Runs the console blocks of the documentation that are marked to be run, command by command, as a new user would.</summary>
public partial class DocumentationTests
{
    public static TheoryData<string> Pages()
    {
        var data = new TheoryData<string>();
        foreach (var page in (string[])["README.md", "docs/start.md", "docs/reference/audit-log.md", "docs/reference/grants.md", "docs/reference/policy.md"]) data.Add(page);
        return data;
    }

    [Theory, MemberData(nameof(Pages))]
    public async Task Every_command_of_a_page_works(string page)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository(), page), TestContext.Current.CancellationToken);
        var commands = RunBlock().Matches(text).SelectMany(m => m.Groups[1].Value.Split('\n')).Where(l => l.StartsWith("$ ", StringComparison.Ordinal)).Select(l => l[2..]).ToList();
        Assert.NotEmpty(commands);
        using var home = new MoatHome("root");
        foreach (var command in commands)
        {
            var result = await home.ShellAsync(command);
            Assert.True(result.ExitCode == 0, $"$ {command}\n{result}");
        }
    }

    [Fact]
    public async Task The_command_page_names_every_command_and_option_of_run()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository(), "docs/reference/commands.md"), TestContext.Current.CancellationToken);
        using var home = new MoatHome("root");
        var help = await home.MoatAsync("--help");
        var commands = help.Out[help.Out.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Skip(1).Select(l => l.Trim().Split(' ', ',')[0]).Where(w => w.Length > 0).ToList();
        Assert.Contains("run", commands);
        Assert.All(commands, command => Assert.Contains("`moat " + command, page, StringComparison.Ordinal));
        var run = await home.MoatAsync("run", "--help");
        var options = OptionName().Matches(run.Out).Select(m => m.Value).Distinct().ToList();
        Assert.Contains("--grant", options);
        Assert.All(options.Where(o => o is not ("--help" or "--json" or "--verbose")), option => Assert.Contains(option, page, StringComparison.Ordinal));
    }

    private static string Repository()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Moat.slnx"))) return at.FullName;
        }

        throw new InvalidOperationException("the tests do not stand in a checkout");
    }

    [GeneratedRegex("--[a-z-]{3,}")]
    private static partial Regex OptionName();

    [GeneratedRegex("<!-- run -->\n```console\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex RunBlock();
}
