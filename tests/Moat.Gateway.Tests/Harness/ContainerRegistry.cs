using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Gateway.Tests;

/// <summary>Debian's docker-registry with TLS on a port of loopback, storage in a folder of its own.</summary>
internal sealed class ContainerRegistry : IAsyncDisposable
{
    public const string Host = "registry.moat.test";

    private readonly Process _process;
    private readonly TestAuthority _authority;

    private ContainerRegistry(Process process, TestAuthority authority, int port) => (_process, _authority, Port) = (process, authority, port);

    public int Port { get; }

    public string Ca => _authority.Pem;

    /// <param name="folder">For its files.</param>
    /// <param name="auth">The lines of its configuration below <c>auth:</c>.</param>
    public static async Task<ContainerRegistry> StartAsync(string folder, string auth)
    {
        Assert.True(File.Exists("/usr/bin/docker-registry"), "install Debian's docker-registry");
        var authority = new TestAuthority();
        using (var leaf = authority.Issue([Host]))
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "tls.crt"), leaf.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(folder, "tls.key"), leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
        var port = FreePort();
        await File.WriteAllTextAsync(Path.Combine(folder, "config.yml"), string.Create(CultureInfo.InvariantCulture, $"""
            version: 0.1
            storage:
              filesystem:
                rootdirectory: {folder}/storage
            http:
              addr: 127.0.0.1:{port}
              host: https://{Host}
              tls:
                certificate: {folder}/tls.crt
                key: {folder}/tls.key
            auth:
            {auth}

            """));
        var process = Process.Start(new ProcessStartInfo("/usr/bin/docker-registry", ["serve", Path.Combine(folder, "config.yml")]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var log = "";
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            log += line + "\n";
            if (!line.Contains("listening on", StringComparison.Ordinal))
                continue;
            _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return new ContainerRegistry(process, authority, port);
        }
        throw new InvalidOperationException("docker-registry did not start: " + log);
    }

    /// <summary>Leads every connection here, as the person's own network would.</summary>
    public SocketsHttpHandler Handler()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(Ca);
        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _authority.Dispose();
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
