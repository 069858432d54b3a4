using System.Text.Json;

namespace Moat.Cli.Tests;

/// <summary><c>moat policy</c>, on files of its own.</summary>
[Collection("console")]
public sealed class PolicyCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-policy-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Check_shows_each_error_with_line_and_column_and_ends_with_1()
    {
        var (code, output) = await RunAsync("policy", "check", File("permit (principal, action, resource);\nforbid (principal, action == Action::\"ProcessExec\", resource)\nwhen { context.cwd == \"/tmp\" };\n"));
        Assert.Equal(1, code);
        Assert.StartsWith("p.cedar:3:8: error: the statement policy1 tells programs apart by their arguments", output, StringComparison.Ordinal);
        Assert.Contains("--downgrade policy-exec", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_prints_json()
    {
        var (code, output) = await RunAsync("policy", "check", File("permit (principal, action == Action::\"networkconnect\", resource);"), "--json");
        Assert.Equal(0, code);
        using var notes = JsonDocument.Parse(output);
        var note = Assert.Single(notes.RootElement.EnumerateArray());
        Assert.Equal(("spelling", 1, "note"), (note.GetProperty("code").GetString(), note.GetProperty("line").GetInt32(), note.GetProperty("level").GetString()));
    }

    [Fact]
    public async Task Format_is_what_format_check_accepts_and_comments_stay()
    {
        var file = File("// why\npermit(principal,action,resource);");
        Assert.Equal(1, (await RunAsync("policy", "fmt", file, "--check")).Code);
        Assert.Equal(0, (await RunAsync("policy", "fmt", file, "--write")).Code);
        Assert.Equal(0, (await RunAsync("policy", "fmt", file, "--check")).Code);
        Assert.StartsWith("// why\n", await System.IO.File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/a", 0, "permitted by policy0 (p.cedar:1)")]
    [InlineData("GET", "/b", 1, "forbidden by policy1 (p.cedar:3)")]
    [InlineData("PUT", "/a", 1, "no statement of the policy permits this HttpRequest")]
    public async Task Explain_shows_the_way_to_the_answer(string method, string path, int expected, string line)
    {
        var file = File("permit (principal, action == Action::\"HttpRequest\", resource in DnsZone::\"a.test\")\nwhen { context.method == \"GET\" };\nforbid (principal, action, resource is Host) when { context has path && context.path == \"/b\" };\n");
        var (code, output) = await RunAsync("policy", "explain", file, "--host", "x.a.test", "--method", method, "--path", path);
        Assert.Equal(expected, code);
        Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Contains("the host is in DnsZone::\"a.test\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_names_each_case_whose_answer_is_another()
    {
        var file = File("permit (principal, action == Action::\"HttpRequest\", resource in DnsZone::\"a.test\");\npermit (principal, action == Action::\"CredentialUse\", resource == Credential::\"g\");\n");
        var cases = Path.Combine(_folder, "cases.yaml");
        await System.IO.File.WriteAllTextAsync(cases, "- {host: a.test, expect: allow, rule: policy0}\n- {host: b.test, expect: deny}\n- {action: CredentialUse, grant: g, host: a.test, expect: allow, rule: policy1}\n", TestContext.Current.CancellationToken);
        var (code, output) = await RunAsync("policy", "test", file, cases);
        Assert.Equal((0, "3 cases passed"), (code, output.TrimEnd()));

        await System.IO.File.AppendAllTextAsync(cases, "- {host: b.test, expect: allow}\n- {host: a.test, expect: allow, rule: policy1}\n", TestContext.Current.CancellationToken);
        (code, output) = await RunAsync("policy", "test", file, cases);
        Assert.Equal(1, code);
        Assert.Contains("cases.yaml:4: expected allow", output, StringComparison.Ordinal);
        Assert.Contains("cases.yaml:5: expected policy1", output, StringComparison.Ordinal);
        Assert.Contains("2 of 5 cases failed", output, StringComparison.Ordinal);
    }

    private string File(string text)
    {
        var path = Path.Combine(_folder, "p.cedar");
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    private static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var before = Console.Out;
        using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            return (await App.RunAsync(arguments), output.ToString());
        }
        finally
        {
            Console.SetOut(before);
        }
    }
}
