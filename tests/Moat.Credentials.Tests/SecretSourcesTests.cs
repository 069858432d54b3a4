using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class SecretSourcesTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly string _token = TestFolder.NewToken();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_source_gives_the_secret_without_its_last_line_break()
    {
        _environment["THE_VARIABLE"] = _token;
        _environment["PATH"] = $"{Path.GetDirectoryName(Program("op", $"[ \"$*\" = \"read --no-newline op://Dev/Item/field\" ] && echo {_token}"))}:/usr/bin:/bin";
        Program("aws", $"[ \"$*\" = \"ssm get-parameter --with-decryption --query Parameter.Value --output text --name /prod/key --region eu-west-1\" ] || [ \"$*\" = \"ssm get-parameter --with-decryption --query Parameter.Value --output text --name /prod/key\" ] && echo {_token}");
        var file = _folder.Write("secret", _token + "\r\n");
        foreach (var source in (string[])["env://THE_VARIABLE", "file://" + file, $"cmd://echo {_token} | tr a a", "op://Dev/Item/field", "ssm:///prod/key", "ssm://eu-west-1/prod/key"])
        {
            using var secret = await ReadAsync(source);
            Assert.Equal(_token, TestFolder.Text(secret));
        }
    }

    [Theory]
    [InlineData("env://NOT_SET", "no variable NOT_SET")]
    [InlineData("file://relative", "absolute path")]
    [InlineData("file:///nonexistent/x", "no file")]
    [InlineData("file:///", "no file")]
    [InlineData("cmd://exit 3", "printed nothing")]
    [InlineData("cmd://true", "printed nothing")]
    [InlineData("op://Dev/Item/field", "not installed")]
    [InlineData("ssm://", "names no parameter")]
    [InlineData("ssm:///", "names no parameter")]
    [InlineData("vault://x", "none that Moat knows")]
    [InlineData("--secret", "none that Moat knows")]
    public async Task What_gives_nothing_is_told_with_the_secrets_name(string source, string problem)
    {
        _environment["PATH"] = "/usr/bin:/bin";
        var error = await Assert.ThrowsAsync<MoatException>(() => ReadAsync(source));
        Assert.StartsWith("the secret THE_NAME: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bound_secret_is_a_grant_of_the_run_with_a_placeholder()
    {
        var spec = new SecretSpec("API_KEY", "env://X") { Hosts = ["api.example.org", "b.example:8443"] };
        using var grant = SecretGrants.Unlock(spec, Secret.FromText(_token), new byte[32]);
        Assert.Equal([KeyValuePair.Create("API_KEY", grant.Placeholder)], grant.Env);
        Assert.Equal([("api.example.org", 443), ("b.example", 8443)], grant.Bindings.Select(binding => (binding.Host, binding.Port ?? 443)));
        Assert.All(grant.Bindings, binding => Assert.Equal(InjectionSlot.AnyHeader, binding.Slot));
        Assert.Equal([("api.example.org", 443, "secret API_KEY"), ("b.example", 8443, "secret API_KEY")], SecretGrants.Rules([spec]).Select(rule => (rule.Host, rule.Port!.Value, rule.Origin)));
        Assert.Contains(grant.SecretForms(), form => form.AsSpan().SequenceEqual(System.Text.Encoding.ASCII.GetBytes(_token)));
    }

    [Theory]
    [InlineData("s-h-r-t")]
    [InlineData("two words here")]
    [InlineData("line\nbreak-here")]
    public void A_value_that_fits_no_header_is_refused_without_being_shown(string value)
        => Assert.DoesNotContain(value, Assert.Throws<MoatException>(() => SecretGrants.Unlock(new SecretSpec("K", "env://X") { Hosts = ["a.example"] }, Secret.FromText(value), new byte[32])).Message, StringComparison.Ordinal);

    private string Program(string name, string script) => _folder.Write($"bin/{name}", $"#!/bin/sh\n{script}\n", UnixFileMode.UserRead | UnixFileMode.UserExecute);

    private Task<Secret> ReadAsync(string source) => new SecretSources(_environment.GetValueOrDefault).ReadAsync(new SecretSpec("THE_NAME", source), TestContext.Current.CancellationToken);
}
