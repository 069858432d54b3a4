using Moat.Spec;

namespace Moat.Configuration.Tests;

public class SecretTests
{
    [Fact]
    public void A_secret_is_bound_to_hosts_or_exposed_by_name()
    {
        var file = Temporary.Good("""
            secrets:
              API_KEY: {from: env://HOST_KEY, hosts: [API.example.org, "api.example.org:8443"]}
              DB_PASSWORD: {from: "op://Dev/Item/field", expose: true}
              TOK: {from: "cmd://pass show tok", hosts: ["10.0.0.5:99"]}
            """);
        Assert.Equal(
            ["API_KEY env://HOST_KEY False api.example.org,api.example.org:8443", "DB_PASSWORD op://Dev/Item/field True ", "TOK cmd://pass show tok False 10.0.0.5:99"],
            file.Secrets.Select(secret => $"{secret.Name} {secret.Source} {secret.Expose} {string.Join(',', secret.Hosts)}"));
        Assert.Equal(
        [
            "uses the secret API_KEY, from env://HOST_KEY, at api.example.org, api.example.org:8443",
            "HANDS THE SECRET DB_PASSWORD TO THE AGENT, from op://Dev/Item/field",
            "uses the secret TOK, from cmd://pass show tok, at 10.0.0.5:99",
            "RUNS ON THIS HOST: pass show tok",
        ], TrustSummary.Of(file));
    }

    [Theory]
    [InlineData("secrets: {A: env://X}", "1:14", "may go is not said")]
    [InlineData("secrets: {A: {from: env://X}}", "1:14", "may go is not said")]
    [InlineData("secrets: {A: {from: env://X, hosts: []}}", "1:14", "may go is not said")]
    [InlineData("secrets: {A: {from: env://X, expose: false}}", "1:14", "may go is not said")]
    [InlineData("secrets: {A: {from: env://X, expose: true, hosts: [a.example]}}", "1:14", "exposed and bound")]
    [InlineData("secrets: {A: {from: env://, expose: true}}", "1:21", "env://NAME")]
    [InlineData("secrets: {A: {from: hunter2hunter2, expose: true}}", "1:21", "env://NAME")]
    [InlineData("secrets: {A: {from: env://X, hosts: [\"*.example.org\"]}}", "1:38", "")]
    [InlineData("secrets: {A: {from: env://X, hosts: [\"https://a.example\"]}}", "1:38", "scheme")]
    [InlineData("secrets: {A: {form: env://X}}", "1:15", "did you mean \"from\"?")]
    [InlineData("secrets: {1A: {from: env://X, expose: true}}", "1:11", "not a variable's name")]
    [InlineData("secrets: [A]", "1:10", "a mapping")]
    [InlineData("env: {A: x}\nsecrets: {A: {from: env://X, expose: true}}", "1:1", "in env and in secrets")]
    public void A_fault_is_told_with_its_place_and_never_with_the_value(string yaml, string place, string part)
    {
        var result = Temporary.Parse(yaml);
        Assert.Contains(result.Errors, error => error.ToString() is var text && text.StartsWith($"moat.yaml:{place}: ", StringComparison.Ordinal) && text.Contains(part, StringComparison.Ordinal));
        Assert.All(result.Errors, error => Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("KEY@api.example.org", "KEY", "env://KEY", "api.example.org", null)]
    [InlineData("KEY=env://OTHER@api.example.org,b.example:8443", "KEY", "env://OTHER", "api.example.org|b.example:8443", null)]
    [InlineData("KEY=cmd://echo a@b@api.example.org", "KEY", "cmd://echo a@b", "api.example.org", null)]
    [InlineData("KEY=p@ss=word@api.example.org", "KEY", "--secret", "api.example.org", "p@ss=word")]
    public void The_command_line_names_a_variable_a_source_and_hosts(string text, string name, string source, string hosts, string? value)
    {
        var (secret, given) = SecretText.Parse(text);
        Assert.Equal((name, source, hosts, value, false), (secret.Name, secret.Source, string.Join('|', secret.Hosts), given, secret.Expose));
    }

    [Theory]
    [InlineData("KEY=hunter2hunter2")]
    [InlineData("KEY=hunter2hunter2@")]
    [InlineData("@api.example.org")]
    [InlineData("1KEY=hunter2hunter2@api.example.org")]
    [InlineData("KEY=@api.example.org")]
    [InlineData("KEY=hunter2hunter2@*.example.org")]
    [InlineData("KEY=hunter2hunter2@https://api.example.org")]
    [InlineData("KEY=hunter2hunter2@a.example,")]
    public void What_is_none_is_refused_without_being_shown(string text)
        => Assert.DoesNotContain("hunter2", Assert.Throws<MoatException>(() => SecretText.Parse(text)).ToString().Split('\n')[0], StringComparison.Ordinal);

    [Fact]
    public void The_command_line_takes_the_place_of_the_file_and_no_value_is_in_the_spec()
    {
        using var folder = new Temporary();
        var (secret, _) = SecretText.Parse("A=hunter2hunter2@b.example");
        var spec = folder.Build(new RunRequest { Secrets = [secret] }, folder.Load("secrets: {A: {from: env://X, expose: true}, B: {from: env://Y, hosts: [b.example]}}"));
        Assert.Equal(["A --secret", "B env://Y"], spec.Secrets.Select(s => $"{s.Name} {s.Source}"));
        var stored = System.Text.Encoding.UTF8.GetString(RunSpecJson.Serialize(spec));
        Assert.DoesNotContain("hunter2", stored, StringComparison.Ordinal);
        Assert.Equal(2, RunSpecJson.Deserialize(System.Text.Encoding.UTF8.GetBytes(stored)).Secrets.Length);
        Assert.Throws<MoatException>(() => folder.Build(new RunRequest { Secrets = [secret, secret] }));
    }
}
