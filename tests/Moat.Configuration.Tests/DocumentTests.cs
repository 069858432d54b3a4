using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Moat.Spec;

namespace Moat.Configuration.Tests;

public partial class DocumentTests
{
    [Fact]
    public void The_template_is_a_good_file_and_so_is_each_of_its_examples()
    {
        var template = ConfigTemplate.Render("my-agent");
        Assert.Equal("my-agent", Temporary.Good(template).Name);
        var open = Temporary.Good(Opened(template));
        Assert.Equal(["npm", "test"], open.Command);
        Assert.Equal(4, open.Network!.Rules.Length);
        Assert.Equal(2, open.Mounts.Length);
        Assert.Equal(4096, open.Container.MemoryMiB);
        Assert.False(open.Network.Registries);
    }

    [Fact]
    public void The_template_takes_no_name_that_is_none() => Assert.Throws<MoatException>(() => ConfigTemplate.Render("a\nsandbox: none"));

    [Fact]
    public void Every_folder_gives_a_run_name()
    {
        foreach (var folder in (string[])["/", "/a/B C", "/x/---", "/x/" + new string('y', 300), "/x/Ünï", "/x/a."])
        {
            Assert.True(RunNames.IsName(RunNames.FolderStem(folder)), folder);
            Assert.True(RunNames.IsName(RunNames.FromFolder(folder)), folder);
        }
    }

    [Fact]
    public void The_examples_of_the_reference_parse()
    {
        var examples = YamlBlock().Matches(Reference()).Select(m => m.Groups[1].Value).ToArray();
        Assert.True(examples.Length >= 2);
        Assert.All(examples, example => Temporary.Good(example));
    }

    [Fact]
    public void The_reference_names_every_field()
    {
        var text = Reference();
        Assert.All(ConfigurationParser.Keys, key => Assert.Matches($"`{key}[`.:]", text));
        Assert.All(NetworkSection.Keys, key => Assert.Matches($"[`.]{key}`", text));
    }

    [Fact]
    public void The_reference_shows_errors_as_they_are()
    {
        var first = Temporary.Parse("#\n#\n#\n#\n#\n#\n#\nnetwork:\n  polcy: strict\n#\n#\n#\n#\nservices: {}\n").Errors;
        Assert.All(first, e => Assert.Contains(e.ToString(), Reference(), StringComparison.Ordinal));
    }

    private static string Reference([CallerFilePath] string here = "")
        => File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "../../docs/reference/moat-yaml.md"));

    // A comment that would be a line of YAML: an example to open.
    [GeneratedRegex(@"^( *)# ( *(?:- .*|[a-z_A-Z.]+: ?.*))$", RegexOptions.Multiline)]
    private static partial Regex Commented();

    private static string Opened(string template) => Commented().Replace(template, m => IsProse(m.Groups[2].Value) ? m.Value : m.Groups[1].Value + m.Groups[2].Value);

    private static bool IsProse(string line) => line.StartsWith("strict:", StringComparison.Ordinal) || line.StartsWith("permissive:", StringComparison.Ordinal);

    [GeneratedRegex(@"^```yaml\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex YamlBlock();
}
