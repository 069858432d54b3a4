using System.Diagnostics;
using System.Net.Sockets;
using Moat.Credentials.Ssh;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Ssh;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>The agent's socket, and the person's own agent behind it.</summary>
public class AgentServerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_person_s_own_ssh_agent_signs_and_its_key_never_comes_here()
    {
        var folder = Directory.CreateTempSubdirectory("moat-agent-");
        try
        {
            var key = Path.Combine(folder.FullName, "key");
            var socket = Path.Combine(folder.FullName, "agent");
            await RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "person", "-f", key);
            using var agent = Process.Start(new ProcessStartInfo("ssh-agent", ["-D", "-a", socket]) { RedirectStandardOutput = true })!;
            try
            {
                // Its first line stands when the socket does.
                await agent.StandardOutput.ReadLineAsync(Ct);
                await RunAsync("env", $"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", key);
                var listed = Assert.Single(await new SshAgentClient(socket).ListAsync(Ct));
                Assert.Equal("person", listed.Comment);
                await using var scene = new AgentScene(agentSocket: socket, agentKey: listed.Key);
                var session = AgentRequests.NewSessionId();
                var login = AgentRequests.Login(session, listed.Key, SshAlgorithms.Ed25519);
                Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(listed.Key, login))));
                await scene.AskAsync(AgentRequests.Bind(scene.Host, session));
                var signature = AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(listed.Key, login)));
                Assert.True(listed.Key.Verify(signature, login));

                // A commit belongs to no session: nothing is bound at the agent for it.
                var commit = AgentRequests.SignedText("git");
                Assert.True(listed.Key.Verify(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(listed.Key, commit))), commit));

                // Gone from the agent: nothing else signs in its place, and the person is told.
                await RunAsync("env", $"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", "-D");
                scene.Denials.Clear();
                Assert.Null(AgentScene.SignatureIn(await scene.AskAsync(AgentRequests.Sign(listed.Key, login))));
                Assert.Contains("did not sign", Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
            }
            finally
            {
                agent.Kill();
                await agent.WaitForExitAsync(Ct);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 1, 0, 1, 11 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 13 })]
    public async Task T_75_a_length_that_no_message_has_ends_the_connection(byte[] bytes)
    {
        await using var scene = new AgentScene();
        await using var served = new ServedAgent(scene);
        using var client = await served.ConnectAsync();
        await client.SendAsync(bytes, Ct);
        Assert.Equal(0, await ReceiveAsync(client));

        // The next client is served all the same, message after message.
        using var next = await served.ConnectAsync();
        for (var i = 0; i < 2; i++)
        {
            await next.SendAsync(new byte[] { 0, 0, 0, 1, SshAgentMessage.RequestIdentities }, Ct);
            Assert.True(await ReceiveAsync(next) > 9);
        }
    }

    private static async Task<int> ReceiveAsync(Socket client)
    {
        try
        {
            return await client.ReceiveAsync(new byte[4096], Ct);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
        process.StandardInput.Close();
        var error = await process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        Assert.True(process.ExitCode == 0, error);
    }

    private sealed class ServedAgent : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("moat-agent-");
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly SocketServer _server;

        public ServedAgent(AgentScene scene)
        {
            _listener.Bind(Address);
            _listener.Listen();
            _server = SocketServer.Start([_listener.SafeHandle], SshAgentServer.MaxConnections, new SshAgentServer(scene.SshGrants, new PolicyGate(null, shadow: false), scene.Recorder).ServeAsync);
        }

        private UnixDomainSocketEndPoint Address => new(Path.Combine(_folder.FullName, "s"));

        public async Task<Socket> ConnectAsync()
        {
            var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(Address, Ct);
            return client;
        }

        public async ValueTask DisposeAsync()
        {
            await _server.DisposeAsync();
            GC.KeepAlive(_listener);
            _folder.Delete(recursive: true);
        }
    }
}
