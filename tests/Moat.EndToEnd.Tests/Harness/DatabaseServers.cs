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
        await StartAsync("ready to accept connections", [Path.Combine(programs, "postgres"), "-D", data, "-p", $"{Port}", "-k", _folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on", "-c", $"ssl_cert_file={Certificate}", "-c", $"ssl_key_file={Key}", "-c", $"password_encryption={method}"]);
        // On the command line a password would be everyone's to read.
        await RunAsync(["psql", "-h", "127.0.0.1", "-p", $"{Port}", "-U", "boss", "-v", "ON_ERROR_STOP=1", "-q", "postgres"],
            $"create role app login password '{Password}'; create database shop owner app; create database other owner app", ("PGPASSWORD", Password));
    }

    /// <summary>MariaDB with TLS; its user <c>app</c> may not log in without.</summary>
    public async Task StartMariaDbAsync()
    {
        var data = Path.Combine(_folder, "my");
        await RunAsync(["mariadb-install-db", "--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
        Port = FreePort();
        var socket = Path.Combine(_folder, "my.sock");
        await StartAsync("ready for connections", ["mariadbd", "--no-defaults", "--datadir=" + data, $"--port={Port}", "--bind-address=127.0.0.1", "--socket=" + socket, "--ssl-cert=" + Certificate, "--ssl-key=" + Key, "--ssl-ca=" + AuthorityFile, "--local-infile=1"]);
        await RunAsync(["mariadb", "--no-defaults", "--socket=" + socket, "-u", "root"],
            $"create database shop; create user app@'127.0.0.1' identified by '{Password}' require ssl; grant all on shop.* to app@'127.0.0.1'; create user other@'127.0.0.1' identified by 'known-to-the-agent'");
    }

    /// <summary>Redis with TLS alone; the default user is off, and <c>app</c> may everything.</summary>
    public async Task StartRedisAsync()
    {
        Port = FreePort();
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
        await StartAsync("Ready to accept connections", ["redis-server", configuration]);
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

    private Process Begin(string[] command, params (string Name, string Value)[] variables)
    {
        var all = AsOrdinary(command);
        var info = new ProcessStartInfo(all[0], all.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        info.Environment["HOME"] = _folder;
        foreach (var (name, value) in variables) info.Environment[name] = value;
        try
        {
            return Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"{command[0]} is missing: apt-get install postgresql mariadb-server redis-server", e);
        }
    }

    /// <summary>Starts a server and waits until it says that it is ready.</summary>
    private async Task StartAsync(string ready, string[] command)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = Begin(command);
        void Look(object sender, DataReceivedEventArgs line)
        {
            if (line.Data?.Contains(ready, StringComparison.Ordinal) == true) said.TrySetResult();
        }
        process.OutputDataReceived += Look;
        process.ErrorDataReceived += Look;
        process.Exited += (_, _) => said.TrySetException(new InvalidOperationException($"{command[0]} did not start"));
        process.EnableRaisingEvents = true;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _running.Add(process);
        await said.Task.WaitAsync(s_patience);
    }

    private async Task RunAsync(string[] command, string input = "", params (string Name, string Value)[] variables)
    {
        using var process = Begin(command, variables);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_patience);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command[0]}: {await output}\n{error}".Replace(Password, "[password]", StringComparison.Ordinal));
    }
}
