using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>Real servers of Debian's, each an ordinary user's process on loopback with a folder, a certificate and passwords of its own.</summary>
internal sealed class DatabaseServers : IAsyncDisposable
{
    public const string Host = "db.moat.test";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly List<Process> _running = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-e2e-db-").FullName;

    public DatabaseServers()
    {
        using var leaf = Authority.Leaf(DateTimeOffset.UtcNow.AddDays(5), Host);
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_001_001);
        Certificate = Write("server.pem", leaf.ExportCertificatePem());
        Key = Write("server.key", System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(leaf)!.ExportPkcs8PrivateKeyPem());
        AuthorityFile = Write("ca.pem", Authority.Pem);
        Own(_folder);
    }

    public TestAuthority Authority { get; } = new();

    public string AuthorityFile { get; }

    /// <summary>The password of the user <c>app</c>.</summary>
    public string Password { get; } = "pw" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(18));

    /// <summary>Of the last server that was started.</summary>
    public int Port { get; private set; }

    private string Certificate { get; }

    private string Key { get; }

    /// <summary>PostgreSQL with TLS and a user <c>app</c> whose password is stored for the method; its database is <c>shop</c>.</summary>
    public async Task StartPostgresAsync(string method = "scram-sha-256")
    {
        var programs = Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "postgres")))
            ?? throw new InvalidOperationException("PostgreSQL is missing: apt-get install postgresql");
        var data = Path.Combine(_folder, "pg");
        var file = Write("boss", Password);
        Own(file);
        await RunAsync([Path.Combine(programs, "initdb"), "-D", data, "-U", "boss", "-A", method, "--pwfile", file]);
        Port = FreePort();
        Start([Path.Combine(programs, "postgres"), "-D", data, "-p", $"{Port}", "-k", _folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on", "-c", $"ssl_cert_file={Certificate}", "-c", $"ssl_key_file={Key}", "-c", $"password_encryption={method}"]);
        await ReadyAsync();
        var line = $"PGPASSWORD={Password} psql -h 127.0.0.1 -p {Port} -U boss -v ON_ERROR_STOP=1 -q postgres";
        await UntilAsync($"{line} -c 'select 1'");
        await RunAsync(["sh", "-c", $"""{line} -c "create role app login password '{Password}'" -c "create database shop owner app" -c "create database other owner app" """]);
    }

    /// <summary>MariaDB with TLS; its user <c>app</c> may not log in without.</summary>
    public async Task StartMariaDbAsync()
    {
        var data = Path.Combine(_folder, "my");
        await RunAsync(["mariadb-install-db", "--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
        Port = FreePort();
        var socket = Path.Combine(_folder, "my.sock");
        Start(["mariadbd", "--no-defaults", "--datadir=" + data, $"--port={Port}", "--bind-address=127.0.0.1", "--socket=" + socket, "--ssl-cert=" + Certificate, "--ssl-key=" + Key, "--ssl-ca=" + AuthorityFile, "--local-infile=1"]);
        await ReadyAsync();
        await RunAsync(["mariadb", "--no-defaults", "--socket=" + socket, "-u", "root", "-e",
            $"create database shop; create user app@'127.0.0.1' identified by '{Password}' require ssl; grant all on shop.* to app@'127.0.0.1'; create user other@'127.0.0.1' identified by 'known-to-the-agent'"]);
    }

    /// <summary>Redis with TLS alone; the default user is off, and <c>app</c> may everything.</summary>
    public async Task StartRedisAsync()
    {
        Port = FreePort();
        // On the command line a password would be everyone's to read.
        var configuration = Write("redis.conf", $"""
            port 0
            bind 127.0.0.1
            tls-port {Port}
            tls-cert-file {Certificate}
            tls-key-file {Key}
            tls-ca-cert-file {AuthorityFile}
            tls-auth-clients no
            dir {_folder}
            save ""
            requirepass {Password}
            user default off
            user app on >{Password} ~* &* +@all
            """);
        Own(configuration);
        Start(["redis-server", configuration]);
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running)
        {
            // Asked rather than killed, so that a server ends its own children. SIGINT is PostgreSQL's way to end with sessions open.
            using var kill = Process.Start("kill", [process.StartInfo.ArgumentList.Any(word => word.EndsWith("/postgres", StringComparison.Ordinal)) || process.StartInfo.FileName.EndsWith("/postgres", StringComparison.Ordinal) ? "-INT" : "-TERM", $"{process.Id}"]);
            await kill.WaitForExitAsync();
            using var limit = new CancellationTokenSource(s_patience);
            await process.WaitForExitAsync(limit.Token);
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string[] AsOrdinary(string[] command) => Binary.IsRoot ? ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", .. command] : command;

    private static void Own(string path)
    {
        if (!Binary.IsRoot) return;
        using var chown = Process.Start("chown", ["-R", "nobody:nogroup", path]);
        chown.WaitForExit();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_000_000);
        return path;
    }

    private Process Begin(string[] command)
    {
        var all = AsOrdinary(command);
        var info = new ProcessStartInfo(all[0], all.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        info.Environment["HOME"] = _folder;
        try
        {
            return Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"{command[0]} is missing: apt-get install postgresql mariadb-server redis-server", e);
        }
    }

    private void Start(string[] command)
    {
        var process = Begin(command);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _running.Add(process);
    }

    private async Task RunAsync(string[] command)
    {
        using var process = Begin(command);
        using var limit = new CancellationTokenSource(s_patience);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command[0]}: {await output}\n{error}".Replace(Password, "[password]", StringComparison.Ordinal));
    }

    private Task UntilAsync(string line) => RunAsync(["sh", "-c", $"for i in 1 2 3 4 5 6 7 8 9 10; do {line} >/dev/null 2>&1 && exit 0; sleep 0.3; done; exec {line}"]);

    /// <summary>The server listens.</summary>
    private async Task ReadyAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (true)
        {
            if (_running[^1].HasExited) throw new InvalidOperationException($"{_running[^1].StartInfo.ArgumentList[^1]} did not start");
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }
}
