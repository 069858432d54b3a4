using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>A real sshd on the loopback with a host key of its own, and a key pair that may log in as the user of the test.</summary>
internal sealed class SshServer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private readonly Process _process;
    private readonly StringBuilder _log = new();

    private SshServer(string folder, int port, Process process) => (Folder, Port, _process) = (folder, port, process);

    public static string User => Environment.UserName;

    public string Folder { get; }

    public int Port { get; }

    public string KeyFile => Path.Combine(Folder, "person");

    public string PublicKey => File.ReadAllText(KeyFile + ".pub").Trim();

    public string HostKey => string.Join(' ', File.ReadAllText(Path.Combine(Folder, "host.pub")).Split(' ')[..2]);

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    public static async Task<SshServer> StartAsync(string type = "ed25519")
    {
        Assert.True(File.Exists(Program), "this test needs sshd: sudo apt-get install -y openssh-server");
        var folder = Directory.CreateTempSubdirectory("moat-sshd-").FullName;
        await ToolAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "host"));
        await ToolAsync("ssh-keygen", "-q", "-t", type, "-N", "", "-C", "person", "-f", Path.Combine(folder, "person"));
        File.Copy(Path.Combine(folder, "person.pub"), Path.Combine(folder, "authorized_keys"));
        // What an sshd of root's separates its privileges in; Debian's service makes it at its start.
        if (Binary.IsRoot) Directory.CreateDirectory("/run/sshd");
        var port = FreePort();
        var config = Path.Combine(folder, "config");
        await File.WriteAllTextAsync(config, $"""
            ListenAddress 127.0.0.1:{port}
            HostKey {folder}/host
            AuthorizedKeysFile {folder}/authorized_keys
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            LogLevel VERBOSE

            """);
        var process = Process.Start(new ProcessStartInfo(Program, ["-D", "-e", "-f", config]) { RedirectStandardError = true })!;
        var server = new SshServer(folder, port, process);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = server.ReadLogAsync(ready);
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return server;
    }

    /// <summary>Runs a program of this machine; its output.</summary>
    public static async Task<string> ToolAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error}");
        return await output;
    }

    /// <summary>The secret of the person's key in the forms in which it could lie about: the file's lines, and its bytes.</summary>
    public static IEnumerable<byte[]> SecretForms(string keyFile)
    {
        var lines = File.ReadAllLines(keyFile).Where(line => !line.StartsWith('-')).ToArray();
        var binary = Convert.FromBase64String(string.Concat(lines));
        // The end of an Ed25519 file: the seed, the point, the comment "person" and the padding. The point is public.
        var point = Convert.FromBase64String(File.ReadAllText(keyFile + ".pub").Split(' ')[1])[^32..];
        var seed = binary.AsSpan(binary.AsSpan().LastIndexOf(point) - 32, 32).ToArray();
        yield return seed;
        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(seed));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(seed));
        for (var shift = 0; shift < 3; shift++)
            yield return Encoding.ASCII.GetBytes(Convert.ToBase64String([.. new byte[shift], .. seed])[(shift == 0 ? 0 : 4)..((shift + seed.Length) / 3 * 4)]);
        yield return Encoding.ASCII.GetBytes(lines[^2]);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task ReadLogAsync(TaskCompletionSource ready)
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_log) _log.Append(line).Append('\n');
            if (line.Contains("Server listening", StringComparison.Ordinal)) ready.TrySetResult();
        }
        ready.TrySetException(new InvalidOperationException("sshd did not start: " + Log));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
