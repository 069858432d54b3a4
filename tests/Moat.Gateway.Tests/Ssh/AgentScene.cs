using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Moat.Audit;
using Moat.Credentials;
using Moat.Credentials.Ssh;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Ssh;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>The sandbox's ssh-agent with grants for two hosts, each with a key of its own.</summary>
internal sealed class AgentScene : IAsyncDisposable
{
    public const string Forge = "forge.moat.test";
    public const string Other = "other.moat.test";

    public static readonly byte[] Failure = [SshAgentMessage.Failure];
    public static readonly byte[] Success = [SshAgentMessage.Success];

    private readonly string _folder = Directory.CreateTempSubdirectory("moat-ssh-").FullName;
    private readonly AuditKey _auditKey = AuditKey.Generate();
    private readonly RunRedactor _redactor;

    /// <param name="type">Of the key for <see cref="Forge"/>.</param>
    /// <param name="hostType">Of that host's own key.</param>
    /// <param name="agentSocket">A real agent that has the key for <see cref="Forge"/>; null: it is in the vault.</param>
    /// <param name="agentKey">That key.</param>
    public AgentScene(string type = SshAlgorithms.Ed25519, string hostType = SshAlgorithms.Ed25519, string? agentSocket = null, SshPublicKey? agentKey = null)
    {
        (Key, OtherKey, Host, OtherHost) = (TestSshKey.Create(type), TestSshKey.Create(), TestSshKey.Create(hostType), TestSshKey.Create());
        Put(Forge, agentKey ?? Key.Public, Key.Section, Host, signsCommits: true, agentKey is not null);
        Put(Other, OtherKey.Public, OtherKey.Section, OtherHost, signsCommits: false, inAgent: false);
        Grants.Unlock([SshGrant.Prefix + Forge, SshGrant.Prefix + Other]);
        Audit = AuditLog.Create(AuditPath, new AuditOptions { Origin = "moat/test", Key = _auditKey });
        _redactor = new RunRedactor(Grants.Unlocked);
        Recorder = new Recorder(Audit, _redactor, Denials.Enqueue);
        SshGrants = new SshGrants(Grants.Unlocked, agentSocket);
        Session = NewSession();
    }

    public TestSshKey Key { get; }

    public TestSshKey OtherKey { get; }

    public TestSshKey Host { get; }

    public TestSshKey OtherHost { get; }

    public TestGrants Grants { get; } = new();

    public AuditLog Audit { get; }

    public Recorder Recorder { get; }

    public SshGrants SshGrants { get; }

    public SshAgentSession Session { get; }

    public ConcurrentQueue<Denial> Denials { get; } = new();

    private string AuditPath => Path.Combine(_folder, "audit.jsonl");

    public SshAgentSession NewSession() => new(SshGrants, new PolicyGate(null, shadow: false), Recorder);

    public async Task<byte[]> AskAsync(byte[] message, SshAgentSession? session = null) => await (session ?? Session).AnswerAsync(message, TestContext.Current.CancellationToken);

    /// <summary>The signature of an answer; null for any answer that has none.</summary>
    public static byte[]? SignatureIn(byte[] answer)
    {
        var reader = new SshReader(answer);
        if (reader.Byte() != SshAgentMessage.SignResponse)
        {
            Assert.Equal(Failure, answer);
            return null;
        }
        var signature = reader.String().ToArray();
        Assert.True(reader.IsAtEnd);
        return signature;
    }

    public async Task<IReadOnlyList<AuditRecord>> RecordsAsync()
    {
        await Audit.AppendIntentAsync("test.flush", AuditPayload.Create(), TestContext.Current.CancellationToken);
        return [.. AuditReader.Read(AuditPath).Where(record => record.Type.StartsWith("signature.", StringComparison.Ordinal))];
    }

    public async ValueTask DisposeAsync()
    {
        await Audit.DisposeAsync();
        _redactor.Dispose();
        Grants.Dispose();
        _auditKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Put(string host, SshPublicKey key, byte[] section, TestSshKey hostKey, bool signsCommits, bool inAgent) => Grants.Put(new StoredCredential
    {
        Provider = SshGrant.Prefix + host,
        Token = Secret.FromText(inAgent ? TestGrants.NewToken() : Convert.ToBase64String(section)),
        CreatedAt = DateTimeOffset.UnixEpoch,
        Metadata = ImmutableSortedDictionary<string, string>.Empty
            .Add("key", key.ToString()).Add("host_keys", hostKey.Public.ToString()).Add("backing", inAgent ? "agent" : "vault").Add("sign_commits", signsCommits ? "yes" : "no"),
    });
}

/// <summary>What clients of an agent send, and how they bend it.</summary>
internal static class AgentRequests
{
    public static byte[] NewSessionId() => RandomNumberGenerator.GetBytes(32);

    public static byte[] Bind(TestSshKey host, byte[] session, bool forwarding = false, byte[]? signature = null) => new SshWriter()
        .Byte(SshAgentMessage.Extension).String(SshAgentMessage.SessionBind).String(host.Public.Blob).String(session).String(signature ?? host.Sign(session)).Boolean(forwarding).ToArray();

    public static byte[] Login(byte[] session, SshPublicKey key, string algorithm, string user = "git", byte number = 50, string service = "ssh-connection", string method = "publickey", bool signed = true, ReadOnlySpan<byte> more = default)
        => new SshWriter().String(session).Byte(number).String(user).String(service).String(method).Boolean(signed).String(algorithm).String(key.Blob).Raw(more).ToArray();

    public static byte[] Sign(SshPublicKey key, byte[] data, uint flags = 0) => new SshWriter().Byte(SshAgentMessage.SignRequest).String(key.Blob).String(data).UInt32(flags).ToArray();

    public static byte[] SignedText(string purpose, string hash = "sha512", int length = 64)
        => new SshWriter().Raw("SSHSIG"u8).String(purpose).String("").String(hash).String(RandomNumberGenerator.GetBytes(length)).ToArray();
}
