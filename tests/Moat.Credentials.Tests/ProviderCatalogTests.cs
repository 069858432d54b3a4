using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class ProviderCatalogTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("github", "api.github.com", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("github", "uploads.github.com", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("github", "github.com", "Authorization", InjectionSlot.BasicPassword, "x-access-token")]
    [InlineData("anthropic", "api.anthropic.com", "x-api-key", InjectionSlot.Header, "")]
    [InlineData("openai", "api.openai.com", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("gitlab", "gitlab.com", "PRIVATE-TOKEN", InjectionSlot.Header, "")]
    [InlineData("brave-search", "api.search.brave.com", "X-Subscription-Token", InjectionSlot.Header, "")]
    [InlineData("elevenlabs", "api.elevenlabs.io", "xi-api-key", InjectionSlot.Header, "")]
    [InlineData("linear", "api.linear.app", "Authorization", InjectionSlot.Header, "")]
    [InlineData("vercel", "api.vercel.com", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("sentry", "sentry.io", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("sentry", "us.sentry.io", "Authorization", InjectionSlot.Header, "Bearer ")]
    [InlineData("datadog", "api.us3.datadoghq.com", "DD-API-KEY", InjectionSlot.Header, "")]
    [InlineData("telegram", "api.telegram.org", "", InjectionSlot.Path, "bot")]
    public void Each_provider_writes_its_header_at_its_hosts(string name, string host, string header, InjectionSlot slot, string argument)
    {
        var binding = ProviderCatalog.Load(null).Get(name).Bindings.Single(b => b.Matches(host, 443));
        Assert.Equal((header, slot, argument), (binding.Header, binding.Slot, binding.Argument));
    }

    [Theory]
    [InlineData("github", "codeload.github.com")]
    [InlineData("github", "gist.github.com")]
    [InlineData("github", "evil-github.com")]
    [InlineData("github", "api.github.com.evil.example")]
    [InlineData("datadog", "datadoghq.com")]
    [InlineData("datadog", "evildatadoghq.com")]
    [InlineData("datadog", ".datadoghq.com")]
    [InlineData("sentry", "evil-sentry.io")]
    [InlineData("sentry", "sentry.io.evil.example")]
    public void No_other_host_gets_a_credential(string name, string host)
        => Assert.DoesNotContain(ProviderCatalog.Load(null).Get(name).Bindings, binding => binding.Matches(host, 443));

    [Fact]
    public void No_other_port_gets_a_credential()
    {
        var catalog = ProviderCatalog.Load(null);
        Assert.All(catalog.Providers.SelectMany(provider => provider.Bindings), binding =>
        {
            Assert.False(binding.Matches(binding.Host.Replace("*", "a", StringComparison.Ordinal), 80));
            Assert.True(binding.Matches(binding.Host.Replace("*", "a", StringComparison.Ordinal), 443));
        });
    }

    [Fact]
    public void A_users_file_beats_an_embedded_one_and_may_not_pose_as_a_built_in_one()
    {
        _folder.Write("gitlab.yaml", "name: gitlab\nhosts: [git.corp.example]\ninject: { header: PRIVATE-TOKEN }\n");
        var catalog = ProviderCatalog.Load(_folder.Path);
        Assert.Equal(ProviderOrigin.User, catalog.Get("gitlab").Origin);
        Assert.Equal("git.corp.example", catalog.Get("gitlab").Bindings.Single().Host);
        Assert.Equal(ProviderOrigin.BuiltIn, catalog.Get("gh").Origin);
        _folder.Write("z.yaml", "name: z\naliases: [github]\nhosts: [git.corp.example]\ninject: { header: PRIVATE-TOKEN }\n");
        Assert.Equal(ProviderOrigin.BuiltIn, ProviderCatalog.Load(_folder.Path).Get("github").Origin);
        _folder.Write("mine.yaml", "name: github\nhosts: [git.corp.example]\ninject: { header: PRIVATE-TOKEN }\n");
        Assert.Throws<MoatException>(() => ProviderCatalog.Load(_folder.Path));
    }

    [Fact]
    public void Two_files_with_one_name_are_refused()
    {
        _folder.Write("a.yaml", "name: x\nhosts: [x.example]\ninject: { header: K }\n");
        _folder.Write("b.yaml", "name: x\nhosts: [y.example]\ninject: { header: K }\n");
        Assert.Throws<MoatException>(() => ProviderCatalog.Load(_folder.Path));
    }

    [Fact]
    public void An_unknown_provider_is_an_error_that_says_what_to_do()
    {
        var error = Assert.Throws<MoatException>(() => ProviderCatalog.Load(null).Get("nope\u001b[2J"));
        Assert.DoesNotContain('\u001b', error.Message);
        Assert.Contains("moat grant providers", error.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void The_rules_of_grants_open_their_tls_ports_alone()
    {
        var catalog = ProviderCatalog.Load(null);
        using var folder = new TestFolder();
        using var vault = folder.Vault();
        var rules = GrantRules.For([new GrantSpec("github"), new GrantSpec("gh"), new GrantSpec("datadog")], catalog, vault);
        Assert.All(rules, rule => Assert.Equal(443, rule.Port));
        Assert.Contains(rules, rule => rule is { Host: "*.datadoghq.com", Origin: "grant datadog" });
        Assert.Contains(rules, rule => rule is { Host: "codeload.github.com", Origin: "grant github" });
        Assert.Equal(rules.Count, rules.Select(rule => rule.Host).Distinct().Count());
    }

    [Theory]
    [InlineData("127.0.0.1:8443", true)]
    [InlineData("[::1]:8443", true)]
    [InlineData("::1", true)]
    [InlineData("127.1", false)]
    [InlineData("0x7f.0.0.1", false)]
    [InlineData("2130706433", false)]
    [InlineData("::0001", false)]
    [InlineData("a..b", false)]
    [InlineData("a.b.", false)]
    [InlineData("a_b.example", false)]
    [InlineData("*.*.example.org", false)]
    [InlineData("*", false)]
    [InlineData("exämple.org", false)]
    [InlineData("a.example:99999", false)]
    [InlineData("a.example:", false)]
    [InlineData("[::1]x", false)]
    public void A_host_has_one_spelling(string text, bool good) => Assert.Equal(good, HostPattern.TryParse(text, out _, out _));
}
