using System.Text.Json;
using Moat.Audit;
using Moat.Credentials.Ssh;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>What the sandbox's ssh-agent does for a client that keeps to the rules.</summary>
public class AgentSessionTests
{
    [Theory]
    [InlineData(SshAlgorithms.Ed25519, SshAlgorithms.EcdsaP256, 0u)]
    [InlineData(SshAlgorithms.EcdsaP256, SshAlgorithms.EcdsaP384, 0u)]
    [InlineData(SshAlgorithms.EcdsaP384, SshAlgorithms.EcdsaP521, 0u)]
    [InlineData(SshAlgorithms.EcdsaP521, SshAlgorithms.Ed25519, 0u)]
    [InlineData(SshAlgorithms.Rsa, SshAlgorithms.Rsa, SshAlgorithms.AgentRsaSha256)]
    [InlineData(SshAlgorithms.Rsa, SshAlgorithms.Rsa, SshAlgorithms.AgentRsaSha512)]
    public async Task A_login_at_the_granted_host_is_signed_and_recorded(string type, string hostType, uint flags)
    {
        await using var scene = new AgentScene(type, hostType);
        var session = AgentRequests.NewSessionId();
        Assert.Equal(AgentScene.Success, await scene.AskAsync(AgentRequests.Bind(scene.Host, session)));
        var data = AgentRequests.Login(session, scene.Key.Public, SshAlgorithms.Signature(type, flags)!);
        var signature = AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, data, flags)));
        Assert.NotNull(signature);
        Assert.True(scene.Key.Public.Verify(signature, data));
        Assert.False(scene.Key.Public.Verify(signature, [.. data, 0]));

        var records = await scene.RecordsAsync();
        Assert.Equal([AuditTypes.SignatureIntent, AuditTypes.SignatureOutcome], records.Select(record => record.Type));
        var payload = records[0].Payload;
        Assert.Equal((AgentScene.Forge, scene.Key.Public.Fingerprint, "git", "login"), (Text(payload, "host"), Text(payload, "key"), Text(payload, "user"), Text(payload, "purpose")));
        Assert.Equal(records[0].Seq, records[1].Payload.GetProperty("intent").GetInt64());
        Assert.Empty(scene.Denials);
    }

    [Fact]
    public async Task OpenSSHs_login_that_names_its_host_is_signed_for_that_host_alone()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        byte[] Data(TestSshKey host) => AgentRequests.Login(session, scene.Key.Public, SshAlgorithms.Ed25519, method: "publickey-hostbound-v00@openssh.com", more: new SshWriter().String(host.Public.Blob).ToArray());
        Assert.NotNull(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, Data(scene.Host)))));
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, Data(scene.OtherHost)))));
    }

    [Fact]
    public async Task Granted_keys_alone_are_listed_and_once_bound_those_of_the_host()
    {
        await using var scene = new AgentScene();
        Assert.Equal([scene.Key.Public, scene.OtherKey.Public], Listed(await scene.AskAsync([SshAgentMessage.RequestIdentities])));
        await scene.AskAsync(AgentRequests.Bind(scene.OtherHost, AgentRequests.NewSessionId()));
        Assert.Equal([scene.OtherKey.Public], Listed(await scene.AskAsync([SshAgentMessage.RequestIdentities])));
    }

    [Fact]
    public async Task A_commit_is_signed_where_the_grant_says_so_and_recorded()
    {
        await using var scene = new AgentScene();
        var data = AgentRequests.SignedText("git");
        var signature = AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, data)));
        Assert.True(scene.Key.Public.Verify(signature, data));
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.OtherKey.Public, data))));
        var records = await scene.RecordsAsync();
        Assert.Equal([AuditTypes.SignatureIntent, AuditTypes.SignatureOutcome, AuditTypes.SignatureDenied], records.Select(record => record.Type));
        Assert.Equal("commit", Text(records[0].Payload, "purpose"));
    }

    [Fact]
    public async Task A_revoked_grant_lists_nothing_binds_nothing_and_signs_nothing()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        var request = AgentRequests.Sign(scene.Key.Public, AgentRequests.Login(session, scene.Key.Public, SshAlgorithms.Ed25519));
        Assert.NotNull(AgentScene.SignatureIn(await scene.AskAsync(request)));
        scene.Grants.Remove(SshGrant.Prefix + AgentScene.Forge);
        scene.Grants.CheckNow();
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(request)));
        Assert.Empty(Listed(await scene.AskAsync([SshAgentMessage.RequestIdentities])));
        Assert.Equal(AgentScene.Failure, await scene.AskAsync(AgentRequests.Bind(scene.Host, session), scene.NewSession()));
    }

    [Fact]
    public async Task Without_a_record_there_is_no_signature()
    {
        await using var scene = new AgentScene();
        var session = AgentRequests.NewSessionId();
        await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
        await scene.Audit.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(scene.Key.Public, AgentRequests.Login(session, scene.Key.Public, SshAlgorithms.Ed25519)))));
    }

    private static string Text(JsonElement payload, string name) => payload.GetProperty(name).GetString()!;

    private static List<SshPublicKey> Listed(byte[] answer)
    {
        var reader = new SshReader(answer);
        Assert.Equal(SshAgentMessage.IdentitiesAnswer, reader.Byte());
        var keys = new List<SshPublicKey>();
        for (var count = reader.UInt32(); count > 0; count--)
        {
            keys.Add(SshPublicKey.Read(reader.String())!);
            _ = reader.String();
        }
        Assert.True(reader.IsAtEnd);
        return keys;
    }
}
