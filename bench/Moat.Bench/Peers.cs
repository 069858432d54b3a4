using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Bench;

/// <summary>A program of the comparison: where it listens, and the processes that belong to it.</summary>
internal sealed class Peer(string name, Process process, IPEndPoint endpoint) : IDisposable
{
    public string Name { get; } = name;

    public IPEndPoint Endpoint { get; } = endpoint;

    /// <summary>Resident memory of the process and its children now, MiB.</summary>
    public double ResidentMiB() => Family(process.Id).Sum(Resident) / 1024.0;

    /// <summary>Processor time that the process and its children took so far.</summary>
    public TimeSpan ProcessorTime() => TimeSpan.FromTicks(Family(process.Id).Sum(Ticks));

    public void Dispose()
    {
        foreach (var id in Family(process.Id).Reverse())
        {
            try
            {
                Process.GetProcessById(id).Kill();
            }
            catch (ArgumentException)
            {
                // It ended by itself between the listing and the kill.
            }
        }

        process.WaitForExit();
        process.Dispose();
    }

    private static IEnumerable<int> Family(int id)
    {
        yield return id;
        var children = $"/proc/{id}/task/{id}/children";
        if (!File.Exists(children)) yield break;
        foreach (var child in File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (var member in Family(int.Parse(child, CultureInfo.InvariantCulture))) yield return member;
        }
    }

    private static long Ticks(int id)
    {
        using var member = Process.GetProcessById(id);
        return member.TotalProcessorTime.Ticks;
    }

    private static long Resident(int id)
    {
        var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(6, line.Length - 8), provider: CultureInfo.InvariantCulture);
    }
}

/// <summary>Starts each program of the comparison with the least configuration that does the same job: intercept, inject, log.</summary>
internal sealed class Peers : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moat-bench-").FullName;
    private readonly string caPem;
    private readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    public Peers(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Bench CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        caPem = Write("ca.pem", root.ExportCertificatePem());
        Write("ca-both.pem", root.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = new CertificateRequest("CN=" + host, leafKey, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        san.AddDnsName(host);
        leaf.CertificateExtensions.Add(san.Build());
        using var signed = leaf.Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3, 4]);
        Write("leaf.pem", signed.ExportCertificatePem());
        Write("leaf.key", leafKey.ExportPkcs8PrivateKeyPem());
        Host = host;
    }

    public string Host { get; }

    public Peer Upstream()
    {
        var port = FreePort();
        var files = Directory.CreateDirectory(Path.Combine(folder, "www")).FullName;
        File.WriteAllBytes(Path.Combine(files, "large"), RandomNumberGenerator.GetBytes(100 << 20));
        var conf = Write("nginx.conf", $$"""
            daemon off; master_process off; error_log {{folder}}/nginx.err; pid {{folder}}/nginx.pid;
            user root;
            events { worker_connections 4096; }
            http {
              access_log off; sendfile on; keepalive_requests 100000000; client_body_temp_path {{folder}}/body; client_max_body_size 0;
              proxy_temp_path {{folder}}/p; fastcgi_temp_path {{folder}}/f; uwsgi_temp_path {{folder}}/u; scgi_temp_path {{folder}}/s;
              server {
                listen 127.0.0.1:{{port}} ssl; ssl_certificate {{folder}}/leaf.pem; ssl_certificate_key {{folder}}/leaf.key;
                root {{files}};
                # From memory: the upstream shares the machine with what is measured.
                location = /small { return 200 "{{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(512))}}"; }
              }
            }
            """);
        return Started("nginx", port, "nginx", "-c", conf, "-p", folder);
    }

    public Peer Squid()
    {
        var port = FreePort();
        var db = Path.Combine(folder, "ssl_db");
        Run("/usr/lib/squid/security_file_certgen", "-c", "-s", db, "-M", "4MB");
        Run("chown", "-R", "proxy:proxy", folder);
        Run("chmod", "755", folder);
        // One worker and a fixed CA; ssl-bump with header injection and an access log: what the gateway does, as squid does it.
        var conf = Write("squid.conf", $"""
            http_port 127.0.0.1:{port} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB cert={folder}/ca-both.pem
            sslcrtd_program /usr/lib/squid/security_file_certgen -s {db} -M 4MB
            sslcrtd_children 2
            ssl_bump bump all
            tls_outgoing_options cafile={caPem}
            acl all_hosts src all
            http_access allow all_hosts
            request_header_add Authorization "Bearer {token}" all_hosts
            cache deny all
            cache_mem 8 MB
            access_log stdio:{folder}/squid.access
            cache_log {folder}/squid.log
            pid_filename {folder}/squid.pid
            hosts_file {folder}/hosts
            visible_hostname bench
            """);
        Write("hosts", $"127.0.0.1 {Host}\n");
        Run("chown", "-R", "proxy:proxy", folder);
        return Started("squid", port, "squid", "-N", "-f", conf);
    }

    public Peer Mitmproxy()
    {
        var port = FreePort();
        Run("cp", Path.Combine(folder, "ca-both.pem"), Path.Combine(folder, "mitmproxy-ca.pem"));
        // mitmproxy resolves by the system; the map of the host is done by the script, as its own documentation shows.
        var script = Write("map.py", $"def server_connect(data):\n    data.server.address = ('127.0.0.1', data.server.address[1])\n");
        return Started("mitmproxy", port, "mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture),
            "--set", "confdir=" + folder, "--set", "ssl_verify_upstream_trusted_ca=" + caPem, "--set", "stream_large_bodies=1m",
            "--modify-headers", "/~q/Authorization/Bearer " + token, "-s", script);
    }

    /// <summary>
    /// The gateway with policy, injection, redaction and audit on: the natively published host of <c>bench/Moat.Gateway.Host</c>. Bare: with
    /// policy and audit alone.
    /// </summary>
    public Peer Moat(string program, int upstreamPort, bool bare = false)
    {
        var port = FreePort();
        var audit = Directory.CreateDirectory(Path.Combine(folder, "moat-" + port.ToString(CultureInfo.InvariantCulture))).FullName;
        var number = port.ToString(CultureInfo.InvariantCulture);
        string[] mode = bare ? ["--bare"] : [];
        return Started("moat", port, program, [.. mode, "--port", number, "--host", Host, "--upstream", "127.0.0.1:" + upstreamPort.ToString(CultureInfo.InvariantCulture),
            "--ca", caPem, "--audit", Path.Combine(audit, "audit.jsonl")]);
    }

    /// <summary>The upstream's certificate, which every peer trusts.</summary>
    public X509Certificate2 Leaf()
    {
        using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "leaf.pem"), Path.Combine(folder, "leaf.key"));
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program}: {process.StandardError.ReadToEnd()}");
    }

    private static Peer Started(string name, int port, string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true })!;
        var endpoint = new IPEndPoint(IPAddress.Loopback, port);
        for (var tries = 0; tries < 200; tries++)
        {
            if (process.HasExited) throw new InvalidOperationException($"{name} ended with {process.ExitCode}");
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Connect(endpoint);
                return new Peer(name, process, endpoint);
            }
            catch (SocketException)
            {
                Thread.Sleep(50);
            }
        }

        throw new TimeoutException($"{name} did not listen on {endpoint}");
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
