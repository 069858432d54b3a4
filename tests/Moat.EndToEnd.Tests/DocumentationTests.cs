using System.Text.RegularExpressions;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Runs the console blocks of the documentation that are marked to be run, command by command, as a new user would.</summary>
public partial class DocumentationTests
{
    public static TheoryData<string> Pages()
    {
        var data = new TheoryData<string>();
        foreach (var page in (string[])["README.md", "docs/start.md"]) data.Add(page);
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

    private static string Repository()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Moat.slnx"))) return at.FullName;
        }

        throw new InvalidOperationException("the tests do not stand in a checkout");
    }

    [GeneratedRegex("<!-- run -->\n```console\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex RunBlock();
}
