using System.Text.Json;

namespace Moat.Spec.Tests;

public class RunSpecJsonTests
{
    private static RunSpec Sample() => new()
    {
        Id = "run_0123456789ab",
        Name = "sample",
        Command = ["true"],
        Interactive = false,
        Workspace = new WorkspaceSpec("/tmp/ws"),
        Network = new NetworkSpec { Mode = NetworkMode.Strict, Rules = [new HostRuleSpec("a.example", null, [new RequestRuleSpec(true, "GET", "/**")], "test")] },
        Grants = [new GrantSpec("github")],
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    [Fact]
    public void A_stored_spec_reads_back_to_the_same_bytes()
    {
        var bytes = RunSpecJson.Serialize(Sample());
        var again = RunSpecJson.Serialize(RunSpecJson.Deserialize(bytes));
        Assert.Equal(bytes, again);
    }

    [Fact]
    public void Any_changed_field_changes_the_digest()
    {
        var digest = RunSpecJson.Digest(RunSpecJson.Serialize(Sample()));
        var other = Sample() with { Network = Sample().Network with { Mode = NetworkMode.Permissive } };
        Assert.NotEqual(digest, RunSpecJson.Digest(RunSpecJson.Serialize(other)));
    }

    [Fact]
    public void An_unknown_field_or_version_is_refused()
    {
        Assert.Throws<JsonException>(() => RunSpecJson.Deserialize("{\"nope\":1}"u8));
        var text = System.Text.Encoding.UTF8.GetString(RunSpecJson.Serialize(Sample())).Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal);
        Assert.Throws<JsonException>(() => RunSpecJson.Deserialize(System.Text.Encoding.UTF8.GetBytes(text)));
    }
}
