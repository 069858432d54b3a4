using System.Security.Cryptography;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class UnlockedGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Vault _vault;
    private readonly ProviderCatalog _catalog = ProviderCatalog.Load(null);
    private readonly byte[] _runKey = RandomNumberGenerator.GetBytes(32);

    public UnlockedGrantTests() => _vault = _folder.Vault();

    public void Dispose()
    {
        _vault.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_gateway_gets_the_value_and_the_sandbox_the_placeholder()
    {
        var token = Put("github");
        using var grant = Unlock("gh").Single();
        Assert.Equal("github", grant.Name);
        Assert.Equal("Bearer " + token, Value(grant, "api.github.com"));
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("x-access-token:" + token)), Value(grant, "github.com"));
        Assert.Equal(-1, grant.FindBinding("codeload.github.com", 443));
        Assert.Equal(-1, grant.FindBinding("api.github.com", 80));
        Assert.Equal(["GH_TOKEN", "GITHUB_TOKEN"], grant.Env.Keys);
        Assert.All(grant.Env.Values, value => Assert.Equal(grant.Placeholder, value));
        Assert.Equal(grant.Placeholder, grant.PlaceholderOf(0));
        Assert.StartsWith("ghp_", grant.Placeholder, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_grants_of_the_run_are_opened_once_each()
    {
        Put("github");
        Put("openai");
        var grants = Unlock("github", "gh");
        Assert.Equal("github", Assert.Single(grants).Name);
        grants[0].Dispose();
        Assert.Empty(Unlock());
    }

    [Fact]
    public void A_missing_unknown_or_expired_grant_stops_the_run()
    {
        Assert.Equal("run: moat grant github", Assert.Throws<MoatException>(() => Unlock("github")).Mend);
        Assert.Throws<MoatException>(() => Unlock("nope"));
        Put("github", expires: DateTimeOffset.UnixEpoch);
        Assert.Contains("expired", Assert.Throws<MoatException>(() => Unlock("github")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rotation_is_in_use_and_a_removal_denies_after_one_look()
    {
        var first = Put("openai");
        using var grant = Unlock("openai").Single();
        using var watch = GrantWatch.Start(_vault, [grant], new ManualTime());
        var changes = new List<(long, bool)>();
        grant.Changed += g => changes.Add((g.Generation, g.IsRevoked));
        watch.CheckNow();
        Assert.Empty(changes);

        var second = Put("openai");
        watch.CheckNow();
        Assert.Equal("Bearer " + second, Value(grant, "api.openai.com"));

        _vault.Remove("openai");
        watch.CheckNow();
        Assert.True(grant.IsRevoked);
        Assert.False(grant.TryGetValue(0, out var value));
        Assert.Empty(value);

        var third = Put("openai");
        watch.CheckNow();
        Assert.Equal("Bearer " + third, Value(grant, "api.openai.com"));
        Assert.Equal([(1, false), (2, true), (3, false)], changes);

        // A late answer may still hold an earlier credential: all stay known to redaction.
        var forms = grant.SecretForms().Select(Encoding.ASCII.GetString).ToArray();
        Assert.All([first, second, third], token => Assert.Contains(token, forms));
    }

    [Fact]
    public void The_watch_looks_more_often_than_once_a_second()
    {
        Put("openai");
        using var grant = Unlock("openai").Single();
        var time = new ManualTime();
        using var watch = GrantWatch.Start(_vault, [grant], time);
        Assert.InRange(time.Period, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(900));
        _vault.Remove("openai");
        Assert.False(grant.IsRevoked);
        time.Fire();
        Assert.True(grant.IsRevoked);
    }

    [Fact]
    public void The_real_clock_notices_a_revocation_by_itself()
    {
        Put("openai");
        using var grant = Unlock("openai").Single();
        using var noticed = new ManualResetEventSlim();
        grant.Changed += _ => noticed.Set();
        using var watch = GrantWatch.Start(_vault, [grant]);
        _vault.Remove("openai");
        Assert.True(noticed.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.True(grant.IsRevoked);
    }

    [Theory]
    [InlineData("rubbish")]
    [InlineData("mode")]
    [InlineData("folder")]
    [InlineData("expiry")]
    public void Whatever_makes_the_vault_untrustworthy_denies(string what)
    {
        Put("openai", expires: DateTimeOffset.UnixEpoch.AddDays(1));
        var time = new ManualTime();
        using var grant = GrantUnlocker.Unlock(Spec("openai"), _vault, _catalog, _runKey, time).Single();
        using var watch = GrantWatch.Start(_vault, [grant], time);
        var path = Path.Combine(_folder.Credentials, "openai.cred");
        if (what == "rubbish") File.WriteAllText(path, "rubbish");
        else if (what == "mode") File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        else if (what == "folder") Directory.Move(_folder.Credentials, _folder.File("moved"));
        else time.Now = DateTimeOffset.UnixEpoch.AddDays(2);
        time.Fire();
        Assert.True(grant.IsRevoked);
        time.Fire();
        Assert.False(grant.TryGetValue(0, out _));
    }

    [Fact]
    public void A_disposed_grant_gives_nothing()
    {
        Put("openai");
        var grant = Unlock("openai").Single();
        var secret = grant.Secret;
        grant.Dispose();
        Assert.False(grant.TryGetValue(0, out _));
        Assert.Throws<ObjectDisposedException>(() => secret.Length);
        Assert.Throws<ObjectDisposedException>(() => grant.SecretForms());
    }

    [Fact]
    public async Task Under_rotation_every_reader_sees_a_whole_value_of_some_generation()
    {
        var tokens = Enumerable.Range(0, 40).Select(_ => TestFolder.NewToken()).ToArray();
        Put("openai", tokens[0]);
        using var grant = Unlock("openai").Single();
        var known = tokens.Select(token => "Bearer " + token).ToHashSet(StringComparer.Ordinal);
        var done = 0;
        var reader = Task.Run(() =>
        {
            var all = true;
            while (Volatile.Read(ref done) == 0) all &= grant.TryGetValue(0, out var value) && known.Contains(value) && grant.Secret.Length > 0;
            return all;
        }, TestContext.Current.CancellationToken);
        foreach (var token in tokens) grant.Rotate(TestFolder.Credential("openai", token), default);
        Volatile.Write(ref done, 1);
        Assert.True(await reader);
    }

    private IReadOnlyList<UnlockedGrant> Unlock(params string[] names) => GrantUnlocker.Unlock(Spec(names), _vault, _catalog, _runKey);

    internal static RunSpec Spec(params string[] names) => new()
    {
        Id = "run_0123456789ab",
        Name = "test",
        Command = ["true"],
        Interactive = false,
        Workspace = new WorkspaceSpec("/tmp/ws"),
        Network = new NetworkSpec { Mode = NetworkMode.Strict },
        Grants = [.. names.Select(name => new GrantSpec(name))],
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    private string Put(string provider, string? token = null, DateTimeOffset? expires = null)
    {
        token ??= TestFolder.NewToken();
        using var credential = TestFolder.Credential(provider, token, expires);
        _vault.Put(credential);
        return token;
    }

    private static string Value(UnlockedGrant grant, string host)
    {
        Assert.True(grant.TryGetValue(grant.FindBinding(host, 443), out var value));
        return value;
    }

    private sealed class ManualTime : TimeProvider
    {
        private Action? _tick;

        internal TimeSpan Period { get; private set; }

        internal DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        internal void Fire() => _tick!();

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (Period, _tick) = (period, () => callback(state));
            return new Idle();
        }

        private sealed class Idle : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => GC.KeepAlive(this);

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
