using System.Collections.Concurrent;
using Moat.Audit;
using Moat.Gateway;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Runs.Tests;

/// <summary>A policy that is saved holds at once; one that is not in order changes nothing.</summary>
public sealed class PolicyReloadTests : IAsyncDisposable
{
    private const string First = "permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"one.example\");\n";

    private readonly Scratch _scratch = new();
    private readonly AuditKey _key = AuditKey.Generate();
    private readonly RunAuthority _authority = RunAuthority.Create("run_test");
    private readonly BlockingCollection<string> _said = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-reload-").FullName;
    private readonly AuditLog _audit;
    private readonly GatewayServer _gateway;
    private readonly PolicyReload _reload;

    public PolicyReloadTests()
    {
        File.WriteAllText(Policy, First);
        var spec = Scratch.Spec() with { Policy = new PolicySpec("p.cedar", First, PolicyMode.Enforce), Network = new NetworkSpec { Mode = NetworkMode.Permissive } };
        _audit = AuditLog.Create(Path.Combine(_folder, "audit.jsonl"), new AuditOptions { Origin = "moat/test", Key = _key });
        _gateway = GatewayServer.Create(new GatewayOptions
        {
            Policy = NetworkPolicy.Compile(spec.Network),
            RequestPolicy = PolicyStart.Compile(spec),
            Audit = _audit,
            Authority = _authority,
            Network = spec.Network,
        });
        _reload = PolicyReload.Start(spec, new PolicySource(Policy, () => File.ReadAllText(Policy)), _gateway, _audit, _said.Add)!;
    }

    private string Policy => Path.Combine(_folder, "p.cedar");

    public async ValueTask DisposeAsync()
    {
        _reload.Dispose();
        await _gateway.DisposeAsync();
        await _audit.DisposeAsync();
        _authority.Dispose();
        _key.Dispose();
        _said.Dispose();
        _scratch.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_saved_policy_is_taken_up_and_recorded_with_its_digest()
    {
        var text = First.Replace("one", "two", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Policy, text, TestContext.Current.CancellationToken);
        Assert.Contains("holds from now on", Heard(), StringComparison.Ordinal);
        var record = Assert.Single(await RecordsAsync(), static r => r.Type == AuditTypes.PolicyReloaded);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))), record.Payload.GetProperty("digest").GetString());
    }

    [Fact]
    public void A_policy_that_an_editor_puts_in_place_by_a_rename_is_taken_up()
    {
        var fresh = Policy + "~";
        File.WriteAllText(fresh, First + "// changed\n");
        File.Move(fresh, Policy, overwrite: true);
        Assert.Contains("holds from now on", Heard(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("permit (principal, action", "p.cedar:")]
    [InlineData("permit (principal, action == Action::\"NoSuch\", resource);", "NoSuch")]
    [InlineData(First + "forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/etc\");", "files")]
    [InlineData("", "decides alone on the network")]
    public async Task One_that_cannot_be_used_is_said_and_recorded_and_the_next_good_one_is_taken_up(string text, string said)
    {
        await File.WriteAllTextAsync(Policy, text, TestContext.Current.CancellationToken);
        var line = Heard();
        Assert.Contains("the one before it goes on", line, StringComparison.Ordinal);
        Assert.Contains(said, line, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Policy, First + "// mended\n", TestContext.Current.CancellationToken);
        Assert.Contains("holds from now on", Heard(), StringComparison.Ordinal);
        Assert.Equal([AuditTypes.PolicyRefused, AuditTypes.PolicyReloaded], (await RecordsAsync()).Select(static r => r.Type));
    }

    private string Heard() => _said.TryTake(out var line, TimeSpan.FromSeconds(30)) ? line : throw new TimeoutException("nothing was said of the saved policy");

    private async Task<IReadOnlyList<AuditRecord>> RecordsAsync()
    {
        await _audit.DisposeAsync();
        return [.. AuditReader.Read(Path.Combine(_folder, "audit.jsonl"))];
    }
}
