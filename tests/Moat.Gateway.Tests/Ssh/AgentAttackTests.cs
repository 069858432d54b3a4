using System.Security.Cryptography;
using CsCheck;
using Moat.Audit;
using Moat.Credentials.Ssh;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>T-75: an agent in the sandbox that wants a signature for something else.</summary>
public class AgentAttackTests
{
    [Fact]
    public async Task T_75_without_a_bound_session_nothing_is_signed()
    {
        await using var scene = new AgentScene();
        await RefusedAsync(scene, Login(scene, AgentRequests.NewSessionId()), "session-bind");
    }

    [Fact]
    public async Task T_75_a_session_with_a_host_that_is_not_granted_is_not_bound()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(TestSshKey.Create(), session)));
        Assert.Contains("pinned for no granted host", Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
        await RefusedAsync(scene, Login(scene, session), "session-bind");
    }

    [Theory]
    [InlineData(SshAlgorithms.Ed25519)]
    [InlineData(SshAlgorithms.EcdsaP256)]
    [InlineData(SshAlgorithms.Rsa)]
    public async Task T_75_a_session_that_the_host_did_not_sign_is_not_bound(string hostType)
    {
        await using var scene = new AgentScene(hostType: hostType);
        var session = AgentRequests.NewSessionId();
        var foreign = TestSshKey.Create(hostType);
        var damaged = scene.Host.Sign(session);
        damaged[^1] ^= 1;
        foreach (var signature in (byte[][])[foreign.Sign(session), scene.Host.Sign(AgentRequests.NewSessionId()), damaged, damaged[..^1], [], RandomNumberGenerator.GetBytes(83)])
            Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(scene.Host, session, signature: signature)));
        await RefusedAsync(scene, Login(scene, session), "session-bind");
        Assert.Equal(AgentScene.Success, await scene.AskAsync(AgentRequests.Bind(scene.Host, session)));
    }

    [Fact]
    public async Task T_75_a_hosts_sha_1_signature_binds_nothing()
    {
        await using var scene = new AgentScene(hostType: SshAlgorithms.Rsa);
        var session = AgentRequests.NewSessionId();
        var renamed = scene.Host.Sign(session);
        var value = new SshReader(renamed);
        _ = value.String();
        var old = new SshWriter().String(SshAlgorithms.Rsa).String(value.String()).ToArray();
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(scene.Host, session, signature: old)));
    }

    [Fact]
    public async Task T_75_a_login_of_another_hosts_session_is_not_signed_on_this_ones_binding()
    {
        await using var scene = new AgentScene();
        await scene.AskAsync(AgentRequests.Bind(scene.Host, AgentRequests.NewSessionId()));
        // The session of a server of the attacker's, or one that was seen on another connection.
        await RefusedAsync(scene, Login(scene, AgentRequests.NewSessionId()), "another session");
    }

    [Fact]
    public async Task T_75_the_key_of_one_host_does_not_log_in_at_another_granted_host()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        await scene.AskAsync(AgentRequests.Bind(scene.OtherHost, session));
        await RefusedAsync(scene, Login(scene, session), "not granted for this host");
    }

    [Fact]
    public async Task T_75_a_connection_is_bound_once_so_a_second_session_cannot_ride_along()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        var bind = AgentRequests.Bind(scene.Host, session);
        Assert.Equal(AgentScene.Success, await scene.AskAsync(bind));
        Assert.Equal(AgentScene.Success, await scene.AskAsync(bind));
        var other = AgentRequests.NewSessionId();
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(scene.OtherHost, other)));
        await RefusedAsync(scene, Login(scene, other), "another session");
        Assert.NotNull(AgentScene.SignatureIn(await scene.AskAsync(Login(scene, session))));
    }

    [Fact]
    public async Task T_75_the_agent_cannot_be_forwarded()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(scene.Host, session, forwarding: true)));
        Assert.Contains("forwarded", Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
        await RefusedAsync(scene, Login(scene, session), "session-bind");
    }

    [Fact]
    public async Task T_75_nothing_but_a_login_is_signed_in_a_bound_session()
    {
        await using var scene = new AgentScene();
        var (session, key) = (AgentRequests.NewSessionId(), scene.Key.Public);
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        byte[][] data =
        [
            [], session, RandomNumberGenerator.GetBytes(200),
            AgentRequests.Login(session, key, key.Type, number: 80),
            AgentRequests.Login(session, key, key.Type, service: "ssh-userauth"),
            AgentRequests.Login(session, key, key.Type, method: "hostbased"),
            AgentRequests.Login(session, key, key.Type, signed: false),
            AgentRequests.Login(session, key, key.Type, more: [0]),
            AgentRequests.Login(session, key, key.Type, user: "a\nb"),
            AgentRequests.Login(session, scene.OtherKey.Public, key.Type),
            AgentRequests.Login(session, key, SshAlgorithms.RsaSha512),
        ];
        foreach (var wrong in data) Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(key, wrong))));
        Assert.All(await scene.RecordsAsync(), record => Assert.Equal(AuditTypes.SignatureDenied, record.Type));
        Assert.Equal(data.Length, scene.Denials.Count);
    }

    [Fact]
    public async Task T_75_a_key_that_is_not_granted_signs_nothing()
    {
        await using var scene = new AgentScene();
        var (session, foreign) = (AgentRequests.NewSessionId(), TestSshKey.Create());
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        await RefusedAsync(scene, AgentRequests.Sign(foreign.Public, AgentRequests.Login(session, foreign.Public, foreign.Public.Type)), "not granted");
    }

    [Fact]
    public async Task T_75_an_rsa_key_makes_no_sha_1_signature()
    {
        await using var scene = new AgentScene(SshAlgorithms.Rsa);
        var session = AgentRequests.NewSessionId();
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, AgentRequests.Login(session, scene.Key.Public, SshAlgorithms.Rsa)))));
    }

    [Fact]
    public async Task T_75_a_text_that_is_no_commit_is_not_signed()
    {
        await using var scene = new AgentScene();
        byte[][] texts =
        [
            AgentRequests.SignedText("file"), AgentRequests.SignedText("email"), AgentRequests.SignedText("git "), AgentRequests.SignedText(""),
            AgentRequests.SignedText("git", "sha1", 20), AgentRequests.SignedText("git", "sha512", 63), [.. AgentRequests.SignedText("git"), 0],
            [.. "SSHSIG"u8],
        ];
        foreach (var text in texts) Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, text))));
        Assert.All(await scene.RecordsAsync(), record => Assert.Equal(AuditTypes.SignatureDenied, record.Type));
    }

    [Fact]
    public async Task T_75_keys_are_neither_added_nor_removed_nor_locked()
    {
        await using var scene = new AgentScene();
        // 1, 7 … 9 of version 1; 17 … 26 add, remove, lock, smart cards.
        foreach (var type in (byte[])[0, 1, 2, 3, 7, 8, 9, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 255])
            Assert.Equal(AgentScene.Failure, await scene.AskAsync(new SshWriter().Byte(type).String(scene.Key.Public.Blob).ToArray()));
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(new SshWriter().Byte(SshAgentMessage.Extension).String("query").ToArray()));
        Assert.Equal(AgentScene.Failure, await scene.AskAsync([]));
    }

    [Fact]
    public async Task T_75_no_truncated_message_binds_or_signs()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        var bind = AgentRequests.Bind(scene.Host, session);
        for (var length = 0; length < bind.Length; length++) Assert.Equal(AgentScene.Failure, await scene.AskAsync(bind[..length]));
        Assert.Equal(AgentScene.Failure, await scene.AskAsync([.. bind, 0]));
        await scene.AskAsync(bind);
        var sign = Login(scene, session);
        for (var length = 0; length < sign.Length; length++) Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(sign[..length])));
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync([.. sign, 0])));
        Assert.DoesNotContain(await scene.RecordsAsync(), record => record.Type == AuditTypes.SignatureIntent);
    }

    [Fact]
    public async Task T_75_a_bent_binding_binds_nothing()
    {
        await using var scene = new AgentScene();
        var bind = AgentRequests.Bind(scene.Host, AgentRequests.NewSessionId());
        await Gen.Select(Gen.Int[0, bind.Length - 1], Gen.Byte[1, 255]).SampleAsync(async (at, change) =>
        {
            var bent = bind.ToArray();
            bent[at] ^= change;
            Assert.Equal(AgentScene.Failure, await scene.AskAsync(bent, scene.NewSession()));
        }, iter: 500, threads: 1);
    }

    private static byte[] Login(AgentScene scene, byte[] session) => AgentRequests.Sign(scene.Key.Public, AgentRequests.Login(session, scene.Key.Public, scene.Key.Public.Type));

    private static async Task RefusedAsync(AgentScene scene, byte[] request, string reason)
    {
        scene.Denials.Clear();
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(request)));
        Assert.Contains(reason, Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
        Assert.Equal(AuditTypes.SignatureDenied, (await scene.RecordsAsync())[^1].Type);
    }
}
