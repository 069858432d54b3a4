using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class AwsGrantTests : IDisposable
{
    private const string Role = "arn:aws:iam::123456789012:role/agent";
    private readonly TestFolder _folder = new();
    private readonly ProviderCatalog _catalog = ProviderCatalog.Load(null);
    private readonly Dictionary<string, string> _env = [];
    private readonly string _secret = TestFolder.NewToken(""), _id = "AKIA" + TestFolder.NewToken("")[..16].ToUpperInvariant();

    public AwsGrantTests() => _env["HOME"] = _folder.Path;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Keys_of_the_environment_are_proved_with_STS_and_stored_and_the_sandbox_gets_placeholders()
    {
        using var sts = new Sts();
        (_env["AWS_ACCESS_KEY_ID"], _env["AWS_SECRET_ACCESS_KEY"], _env["AWS_SESSION_TOKEN"], _env["AWS_REGION"]) = (_id, _secret, "a session's token", "eu-west-1");
        _env["AWS_SESSION_TOKEN"] = TestFolder.NewToken("session");
        using var vault = _folder.Vault();
        var info = await Service(vault, sts).GrantAsync(new GrantRequest("aws"), Ct);
        Assert.Equal("the environment", info.Source);
        var (url, authorization, token, body) = Assert.Single(sts.Seen);
        Assert.Equal("https://sts.eu-west-1.amazonaws.com/", url);
        Assert.StartsWith($"AWS4-HMAC-SHA256 Credential={_id}/", authorization, StringComparison.Ordinal);
        Assert.Equal(_env["AWS_SESSION_TOKEN"], token);
        Assert.Contains("Action=GetCallerIdentity", body, StringComparison.Ordinal);

        using var grant = Unlock(vault);
        Assert.Equal("eu-west-1", grant.Env["AWS_REGION"]);
        Assert.Matches("^AKIA[A-Z2-7]{16}$", grant.Env["AWS_ACCESS_KEY_ID"]);
        Assert.Matches("^[A-Za-z0-9]{40}$", grant.Env["AWS_SECRET_ACCESS_KEY"]);
        Assert.DoesNotContain("AWS_SESSION_TOKEN", grant.Env.Keys);
        string[] secrets = [_id, _secret, _env["AWS_SESSION_TOKEN"]];
        Assert.All(secrets, secret => Assert.DoesNotContain(grant.Env.Values, value => value.Contains(secret, StringComparison.Ordinal)));
        // What is masked in answers and logs.
        Assert.All(secrets, secret => Assert.Contains(grant.SecretForms(), form => Encoding.UTF8.GetString(form) == secret));
        var keys = AwsKeys.Of(grant.Snapshot()!);
        Assert.Equal((_id, _env["AWS_SESSION_TOKEN"]), (keys.KeyId, keys.SessionToken));
    }

    [Fact]
    public async Task Keys_that_STS_does_not_know_are_not_stored()
    {
        using var sts = new Sts { Refusal = "InvalidClientTokenId" };
        (_env["AWS_ACCESS_KEY_ID"], _env["AWS_SECRET_ACCESS_KEY"]) = (_id, _secret);
        using var vault = _folder.Vault();
        var failure = await Assert.ThrowsAsync<MoatException>(() => Service(vault, sts).GrantAsync(new GrantRequest("aws"), Ct));
        Assert.Contains("InvalidClientTokenId", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_secret, failure.ToString(), StringComparison.Ordinal);
        Assert.Null(vault.Get("aws"));
    }

    [Theory]
    [InlineData("work", "the AWS profile work", "ap-southeast-2")]
    [InlineData(null, "the AWS profile default", "us-east-1")]
    public async Task Keys_of_a_profile(string? profile, string source, string region)
    {
        using var sts = new Sts();
        WriteProfiles();
        using var vault = _folder.Vault();
        var info = await Service(vault, sts).GrantAsync(new GrantRequest("aws") { Aws = new AwsGrantRequest { Profile = profile } }, Ct);
        Assert.Equal(source, info.Source);
        Assert.Equal($"https://sts.{region}.amazonaws.com/", Assert.Single(sts.Seen).Url);
        using var stored = vault.Get("aws")!;
        Assert.Equal(profile is null ? "default" + _secret : _secret, TestFolder.Text(stored.Token));
    }

    [Fact]
    public async Task A_role_of_a_profile_is_assumed_with_its_source_and_renewed_once_for_all_runs()
    {
        using var sts = new Sts();
        WriteProfiles();
        var time = new Clock(DateTimeOffset.UtcNow);
        using var vault = _folder.Vault();
        var info = await Service(vault, sts, time).GrantAsync(new GrantRequest("aws") { Aws = new AwsGrantRequest { Profile = "role" } }, Ct);
        Assert.Null(info.Problem);
        var (_, authorization, _, body) = Assert.Single(sts.Seen);
        Assert.StartsWith($"AWS4-HMAC-SHA256 Credential={_id}/", authorization, StringComparison.Ordinal);
        Assert.Contains("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fagent&", body, StringComparison.Ordinal);
        Assert.Contains("&DurationSeconds=3600&ExternalId=from%20outside", body, StringComparison.Ordinal);
        using (var grant = Unlock(vault))
        {
            Assert.Equal(sts.Last.Secret, TestFolder.Text(grant.Secret));
            Assert.Equal((sts.Last.Id, sts.Last.Token), (AwsKeys.Of(grant.Snapshot()!).KeyId, AwsKeys.Of(grant.Snapshot()!).SessionToken));
        }

        // Due, and twenty runs notice.
        time.Now += TimeSpan.FromMinutes(56);
        var grants = Enumerable.Range(0, 20).Select(_ => Unlock(vault, time)).ToArray();
        var brokers = grants.Select(grant => RefreshBroker.Start(vault, [grant], sts, time)).ToArray();
        await Task.WhenAll(brokers.Select(broker => broker.CheckNow()));
        Assert.Equal(2, sts.Seen.Count);
        foreach (var (grant, broker) in grants.Zip(brokers))
        {
            using var watch = GrantWatch.Start(vault, [grant], time);
            watch.CheckNow();
            Assert.Equal(sts.Last.Token, AwsKeys.Of(grant.Snapshot()!).SessionToken);
            await broker.DisposeAsync();
            grant.Dispose();
        }
    }

    [Fact]
    public async Task A_role_that_may_not_be_assumed_any_more_denies_everywhere()
    {
        using var sts = new Sts();
        (_env["AWS_ACCESS_KEY_ID"], _env["AWS_SECRET_ACCESS_KEY"]) = (_id, _secret);
        var time = new Clock(DateTimeOffset.UtcNow);
        using var vault = _folder.Vault();
        await Service(vault, sts, time).GrantAsync(new GrantRequest("aws") { Aws = new AwsGrantRequest { Role = Role, Session = TimeSpan.FromHours(1) } }, Ct);
        using var grant = Unlock(vault, time);
        time.Now += TimeSpan.FromMinutes(58);
        sts.Refusal = "AccessDenied";
        await using (var broker = RefreshBroker.Start(vault, [grant], sts, time)) await broker.CheckNow();
        using var watch = GrantWatch.Start(vault, [grant], time);
        watch.CheckNow();
        Assert.Null(grant.Snapshot());
        Assert.Contains("AccessDenied", grant.RevokedReason, StringComparison.Ordinal);
    }

    public static TheoryData<string, AwsGrantRequest, string> Mistakes => new()
    {
        { "", new AwsGrantRequest { Role = "arn:aws:iam::1:user/me" }, "no ARN of a role" },
        { "", new AwsGrantRequest { Role = Role, Session = TimeSpan.FromMinutes(14) }, "15 minutes to 12 hours" },
        { "", new AwsGrantRequest { Role = Role, Session = TimeSpan.FromHours(13) }, "15 minutes to 12 hours" },
        { "", new AwsGrantRequest { ExternalId = "x" }, "of a role's sessions" },
        { "", new AwsGrantRequest { Region = "eu west" }, "no region" },
        { "", new AwsGrantRequest { Profile = "absent" }, "no AWS profile \"absent\"" },
        { "", new AwsGrantRequest { Profile = "browser" }, "holds no keys of its own" },
        { "no keys", new AwsGrantRequest(), "AWS_SECRET_ACCESS_KEY is not" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public async Task A_mistake_is_told_before_anything_is_asked_or_stored(string kind, AwsGrantRequest request, string problem)
    {
        using var sts = new Sts();
        WriteProfiles();
        _env["AWS_ACCESS_KEY_ID"] = _id;
        if (kind.Length == 0) _env["AWS_SECRET_ACCESS_KEY"] = _secret;
        using var vault = _folder.Vault();
        var failure = await Assert.ThrowsAsync<MoatException>(() => Service(vault, sts).GrantAsync(new GrantRequest("aws") { Aws = request }, Ct));
        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
        Assert.Empty(sts.Seen);
        Assert.Null(vault.Get("aws"));
    }

    [Theory]
    [InlineData("s3", true)]
    [InlineData("dynamodb:ListTables", true)]
    [InlineData("dynamodb@eu-west-1:Get*", true)]
    [InlineData("*@eu-west-1", true)]
    [InlineData("s3 GET /bucket/**", true)]
    [InlineData("s3@eu-west-1 * /bucket/**", true)]
    [InlineData("s3:", false)]
    [InlineData("s3:Get-It", false)]
    [InlineData("s3:*Get", false)]
    [InlineData("s3@", false)]
    [InlineData("s3:GetObject GET /b", false)]
    [InlineData("s3 get /b", false)]
    [InlineData("s3 GET b", false)]
    [InlineData("GET /bucket/**", false)]
    [InlineData("read-only", true)]
    public void A_scope_is_read_or_refused(string entry, bool isGood)
    {
        // read-only is what a service could be called, and then no request fits it.
        if (isGood) Assert.Single(GrantScope.Parse(_catalog.Get("aws"), [entry])!.Aws);
        else Assert.Contains("the grant aws", Assert.Throws<MoatException>(() => GrantScope.Parse(_catalog.Get("aws"), [entry])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_of_aws_are_refused_for_another_grant()
    {
        using var vault = _folder.Vault();
        _env["OPENAI_API_KEY"] = TestFolder.NewToken();
        await Assert.ThrowsAsync<MoatException>(() => Service(vault, null).GrantAsync(new GrantRequest("openai") { NoValidate = true, Aws = new AwsGrantRequest { Region = "eu-west-1" } }, Ct));
    }

    private void WriteProfiles()
    {
        _folder.Write(".aws/credentials", $"[default]\naws_access_key_id = {_id}\naws_secret_access_key=default{_secret}\n\n[work]\naws_access_key_id={_id}\naws_secret_access_key = {_secret}\n");
        _folder.Write(".aws/config", $"# mine\n[profile work]\nregion = ap-southeast-2\ns3 =\n  region = nowhere\n[profile role]\nrole_arn = {Role}\nsource_profile = work\nexternal_id = from outside\nduration_seconds = 3600\n[profile browser]\nsso_session = corp\n");
    }

    private GrantService Service(Vault vault, HttpMessageHandler? handler, TimeProvider? time = null) => new(vault, _catalog, handler, _env.GetValueOrDefault, time);

    private UnlockedGrant Unlock(Vault vault, TimeProvider? time = null)
        => Assert.Single(GrantUnlocker.Unlock(new RunSpec
        {
            Id = "run_000000000000",
            Name = "test",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Grants = [new GrantSpec("aws")],
            CreatedAt = DateTimeOffset.UnixEpoch,
        }, vault, _catalog, new byte[32], time));

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }

    /// <summary>STS in place of the network: gives new sessions, an hour long by its own clock.</summary>
    private sealed class Sts : HttpMessageHandler
    {
        public ConcurrentQueue<(string Url, string Authorization, string Token, string Body)> Seen { get; } = new();

        public string? Refusal { get; set; }

        public (string Id, string Secret, string Token) Last { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsStringAsync(cancellationToken);
            Seen.Enqueue((request.RequestUri!.ToString(), request.Headers.NonValidated["Authorization"].ToString(), request.Headers.NonValidated.TryGetValues("X-Amz-Security-Token", out var token) ? token.ToString() : "", body));
            if (Refusal is { } code) return new HttpResponseMessage(HttpStatusCode.Forbidden) { Content = new StringContent($"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>") };
            if (body.Contains("GetCallerIdentity", StringComparison.Ordinal)) return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<GetCallerIdentityResponse/>") };
            Last = ("ASIA" + TestFolder.NewToken("")[..16].ToUpperInvariant(), TestFolder.NewToken("s/+"), TestFolder.NewToken("t"));
            // The credential's clock is the request's, which a test moves on.
            var sent = DateTimeOffset.ParseExact(request.Headers.NonValidated["X-Amz-Date"].ToString(), SigV4.TimeFormat, null, System.Globalization.DateTimeStyles.AssumeUniversal);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent($"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials><AccessKeyId>{Last.Id}</AccessKeyId><SecretAccessKey>{Last.Secret}</SecretAccessKey><SessionToken>{Last.Token}</SessionToken><Expiration>{sent.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"),
            };
        }
    }
}
