using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Moat.Credentials.Tests;

public class DocumentationTests
{
    [Fact]
    public void Every_example_of_the_provider_guide_is_a_provider()
    {
        var examples = Regex.Matches(Read("guides/custom-provider.md"), "```yaml\n(.*?)```", RegexOptions.Singleline);
        Assert.True(examples.Count >= 3);
        Assert.All(examples, example => ProviderYaml.Parse("guide", Encoding.UTF8.GetBytes(example.Groups[1].Value), ProviderOrigin.User));
    }

    [Fact]
    public void The_reference_has_each_provider_with_its_hosts_and_variables()
    {
        var text = Read("reference/grants.md");
        foreach (var provider in ProviderCatalog.Load(null).Providers)
        {
            var row = Assert.Single(text.Split('\n'), line => line.StartsWith($"| `{provider.Name}` |", StringComparison.Ordinal));
            Assert.All(provider.Bindings, binding => Assert.Contains($"`{binding.Host}`", row, StringComparison.Ordinal));
            Assert.All(provider.SourceEnv.Concat(provider.ContainerEnv), name => Assert.Contains($"`{name}`", row, StringComparison.Ordinal));
            Assert.Contains($"moat grant {provider.Name}", text, StringComparison.Ordinal);
        }
    }

    private static string Read(string page, [CallerFilePath] string here = "")
        => File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", page)).ReplaceLineEndings("\n");
}
