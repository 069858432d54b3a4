using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Input that ends ends for the agent too, at a pipe and at a terminal of its own.</summary>
public class InputTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_reader_ends_with_its_input_without_a_terminal(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        string[] run = ["run", home.Workspace, "--config", home.ConfigFile, "--", "sh", "-c", "cat; echo one; cat; echo two"];
        foreach (var (input, output) in ((string, string)[])[("x\n", "x\none\ntwo\n"), ("no end of line", "no end of lineone\ntwo\n"), ("", "one\ntwo\n")])
            Assert.Equal(output, (await home.MoatAsync(input, run)).Out);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_reader_ends_with_its_input_at_a_terminal_of_its_own(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        string[] run = ["run", home.Workspace, "--config", home.ConfigFile, "-i", "--", "sh", "-c", "stty -echo; echo ready >&2; cat; echo one; cat; echo two"];
        foreach (var input in (string[])["x\n", "no end of line", ""])
        {
            var result = await home.MoatAsync(input, run);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Contains(input.TrimEnd(), result.Out, StringComparison.Ordinal);
            Assert.EndsWith("one\r\ntwo\r\n", result.Out, StringComparison.Ordinal);
        }

        var cat = await home.MoatAsync("x\n", ["run", home.Workspace, "--config", home.ConfigFile, "-i", "--", "cat"]);
        Assert.True(cat.ExitCode == 0, cat.ToString());
        Assert.Equal("x\r\nx\r\n", cat.Out);
    }
}
