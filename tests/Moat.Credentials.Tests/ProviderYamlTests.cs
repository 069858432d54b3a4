using System.Text;
using CsCheck;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public class ProviderYamlTests
{
    private const string Good = """
        name: acme
        description: Acme
        aliases: [ac]
        hosts: [api.acme.example, "*.acme.example", "api.example.test:8443"]
        inject: { header: X-Acme-Key, prefix: "Key " }
        source_env: [ACME_KEY]
        container_env: ACME_KEY
        validate: { url: "https://api.acme.example/me", method: HEAD, header: X-Acme-Key, prefix: "Key " }
        prompt: Acme key
        placeholder: "acme-{hex:40}"
        """;

    [Fact]
    public void Every_key_of_the_schema_is_read()
    {
        var provider = Parse(Good);
        Assert.Equal("acme", provider.Name);
        Assert.Equal(["ac"], provider.Aliases);
        Assert.Equal(
        [
            new InjectionBinding("api.acme.example", "X-Acme-Key", InjectionSlot.Header, "Key "),
            new InjectionBinding("*.acme.example", "X-Acme-Key", InjectionSlot.Header, "Key "),
            new InjectionBinding("api.example.test", "X-Acme-Key", InjectionSlot.Header, "Key ", 8443),
        ], provider.Bindings);
        Assert.Equal(["ACME_KEY"], provider.SourceEnv);
        Assert.Equal(["ACME_KEY"], provider.ContainerEnv);
        Assert.Equal("HEAD", provider.Validation!.Method);
        Assert.Equal("Acme key", provider.Prompt);
        Assert.Equal("acme-{hex:40}", provider.Placeholder.Text);
    }

    [Theory]
    [InlineData("hosts:", "hots:", "4:1", "unknown key \"hots\"")]
    [InlineData("header: X-Acme-Key, prefix", "haeder: X-Acme-Key, prefix", "5:11", "unknown key \"haeder\"")]
    [InlineData("X-Acme-Key, prefix", "\"X Key\", prefix", "5:19", "not a header name")]
    [InlineData("X-Acme-Key, prefix", "Host, prefix", "5:19", "frames the request")]
    [InlineData("[api.acme.example,", "[\"https://api.acme.example\",", "4:9", "is not a host")]
    [InlineData("*.acme.example", "*.example", "4:27", "every site under")]
    [InlineData("*.acme.example", "API.acme.example", "4:27", "is not a host")]
    [InlineData("test:8443", "test:0", "4:45", "port")]
    [InlineData("name: acme", "name: ../acme", "1:7", "not a provider name")]
    [InlineData("name: acme", "name: [acme]", "1:7", "is a text")]
    [InlineData("[ACME_KEY]", "[ACME-KEY]", "6:14", "environment variable")]
    [InlineData("https://api.acme.example/me", "https://evil.example/me", "8:18", "not one of hosts")]
    [InlineData("https://api.acme.example/me", "http://api.acme.example/me", "8:18", "https://")]
    [InlineData("https://api.acme.example/me", "https://api.acme.example@evil.example/", "8:18", "https://")]
    [InlineData("HEAD", "DELETE", "8:57", "GET, HEAD or POST")]
    [InlineData("{hex:40}", "{hex:4}", "10:14", "random bits")]
    [InlineData("name: acme", "name: acme\nname: acme", "2:1", "uplicate key")]
    [InlineData("name: acme", "name: &a acme", "1:7", "anchors")]
    [InlineData("Acme key", "\"a\\nb\"", "9:9", "one line")]
    public void A_mistake_is_an_error_with_its_place(string part, string instead, string place, string problem)
    {
        var text = Good.Replace(part, instead, StringComparison.Ordinal);
        Assert.NotEqual(Good, text);
        var error = Assert.Throws<MoatException>(() => Parse(text));
        Assert.Contains($"acme.yaml:{place}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ format: path, header: X }")]
    [InlineData("{ format: basic }")]
    [InlineData("{ format: basic, user: \"a:b\" }")]
    [InlineData("{ header: X, user: u }")]
    [InlineData("{ format: cookie, header: X }")]
    [InlineData("{ }")]
    [InlineData("X-Key")]
    public void An_injection_that_contradicts_itself_is_refused(string inject)
        => Assert.Throws<MoatException>(() => Parse($"name: a\nhosts: [a.example]\ninject: {inject}\n"));

    [Fact]
    public void Path_and_basic_bind_without_a_header_of_the_files()
    {
        Assert.Equal([new InjectionBinding("a.example", "", InjectionSlot.Path, InjectionBinding.AnyPrefix)], Parse("name: a\nhosts: [a.example]\ninject: { format: path }\n").Bindings);
        Assert.Equal([new InjectionBinding("a.example", "Authorization", InjectionSlot.BasicPassword, "u")], Parse("name: a\nhosts: a.example\ninject: { format: basic, user: u }\n").Bindings);
    }

    [Fact]
    public void Deep_nesting_is_an_error_and_not_a_stack_overflow()
    {
        Assert.Throws<MoatException>(() => Parse("name: " + new string('[', 60_000)));
        Assert.Throws<MoatException>(() => Parse(string.Concat(Enumerable.Range(0, 300).Select(i => new string(' ', i) + "a:\n"))));
        Assert.Throws<MoatException>(() => Parse(new string(' ', 70_000)));
    }

    [Fact]
    public void No_input_gives_anything_but_a_provider_or_an_explanation()
    {
        // Two kinds of input: the good file with bytes changed, and bytes of nowhere.
        var seed = Encoding.UTF8.GetBytes(Good);
        var mutated = Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte, Gen.Int[0, 2]).Array[1, 6].Select(changes =>
        {
            var bytes = seed.ToList();
            foreach (var (at, value, kind) in changes)
            {
                if (at >= bytes.Count) continue;
                if (kind == 0) bytes[at] = value;
                else if (kind == 1) bytes.Insert(at, value);
                else bytes.RemoveAt(at);
            }
            return bytes.ToArray();
        });
        Gen.OneOf(mutated, Gen.Byte.Array[0, 200]).Sample(bytes =>
        {
            try
            {
                var provider = ProviderYaml.Parse("fuzz.yaml", bytes, ProviderOrigin.User);
                return provider.Bindings.Length > 0 && GrantNames.IsName(provider.Name);
            }
            catch (MoatException)
            {
                return true;
            }
        }, iter: 20_000);
    }

    private static ProviderDefinition Parse(string text) => ProviderYaml.Parse("acme.yaml", Encoding.UTF8.GetBytes(text), ProviderOrigin.User);
}
