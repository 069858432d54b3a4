using System.Diagnostics;
using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The grant ssh:HOST with the real clients and a real sshd: the key works for one host and is nowhere inside.</summary>
public class SshTests
{
    private const string Forge = "forge.moat.test";
    private const string Other = "other.moat.test";

    private static string Self => Binary.IsRoot ? "root" : "self";

    public static TheoryData<string, string> UsersAndKeys() => Binary.IsRoot ? new() { { "root", "ed25519" }, { "ordinary", "ed25519" }, { "root", "rsa" }, { "root", "ecdsa" } } : new() { { "self", "ed25519" } };

    [Theory, MemberData(nameof(UsersAndKeys))]
    public async Task T_75_git_clones_and_pushes_over_ssh_with_a_key_it_does_not_hold(string user, string type)
    {
        await using var server = await SshServer.StartAsync(type);
        using var home = NewHome(user, server);
        var repository = await NewRepositoryAsync(home);
        await GrantAsync(home, "--key", KeyFor(home, server), "--host-key", server.HostKey);
        File.Delete(Path.Combine(home.Root, "key"));
        home.Write(Path.Combine(home.Workspace, "collect.py"), Loot.Collector());
        var result = await home.ScriptAsync($"""
            set -e
            git clone -q {SshServer.User}@{Forge}:{repository} p && cd p
            git config user.email a@example.test; git config user.name a
            head -c 3000000 /dev/urandom >big; echo change >file; git add .; git commit -qm change
            git push -q origin HEAD:main
            ssh-add -L; env | grep SSH_AUTH_SOCK
            python3 ../collect.py
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("change", (await SshServer.ToolAsync("git", "-C", repository, "show", "main:file")).Trim());
        Assert.Contains($"Accepted publickey for {SshServer.User}", server.Log, StringComparison.Ordinal);
        Assert.Contains(server.PublicKey.Split(' ')[1], result.Out, StringComparison.Ordinal);

        if (type == "ed25519")
        {
            var loot = await File.ReadAllBytesAsync(Path.Combine(home.Workspace, "loot"), TestContext.Current.CancellationToken);
            Assert.True(loot.Length > 1_000_000);
            Assert.True(loot.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(server.HostKey)) >= 0, "the collection works: the pinned key is in it");
            foreach (var form in SshServer.SecretForms(server.KeyFile))
            {
                Assert.True(loot.AsSpan().IndexOf(form) < 0, "the private key is in the sandbox");
                Assert.All(home.FilesLeft(), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(form) < 0, file));
            }
        }

        var records = await RecordsAsync(home);
        var login = records.First(record => Type(record) == "signature.intent").GetProperty("payload");
        Assert.Equal((Forge, SshServer.User, "login", "ssh:" + Forge), (Text(login, "host"), Text(login, "user"), Text(login, "purpose"), Text(login, "grant")));
        Assert.Equal((await SshServer.ToolAsync("ssh-keygen", "-lf", server.KeyFile + ".pub")).Split(' ')[1], Text(login, "key"));
        Assert.Equal(2, records.Count(record => Type(record) == "connect.outcome" && record.GetProperty("payload").GetProperty("bytes_in").GetInt64() > 1000));
        var verified = await home.MoatAsync("audit", "verify", "ssh");
        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.Contains($"{Forge}:22", (await home.MoatAsync("trace", "--network")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_person_s_own_ssh_agent_backs_the_grant_and_signs_commits()
    {
        await using var server = await SshServer.StartAsync();
        using var home = NewHome(Self, server);
        var repository = await NewRepositoryAsync(home);
        var socket = Path.Combine(home.Root, "agent");
        using var agent = Process.Start(new ProcessStartInfo("ssh-agent", ["-D", "-a", socket]) { RedirectStandardOutput = true })!;
        try
        {
            // Its first line stands when the socket does.
            await agent.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            await SshServer.ToolAsync("env", $"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", server.KeyFile);
            home.Env["SSH_AUTH_SOCK"] = socket;
            var unknown = await home.MoatAsync("grant", "ssh", "--host", Forge);
            Assert.Equal(125, unknown.ExitCode);
            Assert.Contains("not trusted", unknown.Err, StringComparison.Ordinal);

            var known = home.Write(Path.Combine(home.Home, ".ssh", "known_hosts"), $"{Forge} {server.HostKey}\n");
            await SshServer.ToolAsync("ssh-keygen", "-q", "-H", "-f", known);
            Assert.DoesNotContain(Forge, await File.ReadAllTextAsync(known, TestContext.Current.CancellationToken), StringComparison.Ordinal);
            await GrantAsync(home, "--sign-commits");
            var result = await home.ScriptAsync($"""
                set -e
                git clone -q {SshServer.User}@{Forge}:{repository} p && cd p
                git config user.email a@example.test; git config user.name a
                echo change >file; git add .; git commit -q -S -m signed
                git push -q origin HEAD:main
                ssh-add -L >key.pub; echo text >text; if ssh-keygen -Y sign -n file -f key.pub text; then echo SIGNED; fi
                """);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.DoesNotContain("SIGNED", result.Out, StringComparison.Ordinal);
            var signers = home.Write(Path.Combine(home.Root, "signers"), $"a@example.test {server.PublicKey}\n");
            await SshServer.ToolAsync("git", "-C", repository, "-c", $"gpg.ssh.allowedSignersFile={signers}", "verify-commit", "main");
            Assert.Contains(await RecordsAsync(home), record => Type(record) == "signature.intent" && Text(record.GetProperty("payload"), "purpose") == "commit");
            Assert.Contains(await RecordsAsync(home), record => Type(record) == "signature.denied" && Text(record.GetProperty("payload"), "reason").Contains("namespace", StringComparison.Ordinal));
        }
        finally
        {
            agent.Kill();
            await agent.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task T_46_another_host_another_port_and_another_host_key_get_nothing()
    {
        await using var server = await SshServer.StartAsync();
        await using var foreign = await SshServer.StartAsync();
        using var home = NewHome(Self, server);
        // The forge's name leads to a server whose host key is not the pinned one, though it would take the key.
        File.Copy(server.KeyFile + ".pub", Path.Combine(foreign.Folder, "authorized_keys"), overwrite: true);
        home.Write(home.ConfigFile, (await File.ReadAllTextAsync(home.ConfigFile, TestContext.Current.CancellationToken)).Replace($"{Forge}: 127.0.0.1:{server.Port}", $"{Forge}: 127.0.0.1:{foreign.Port}", StringComparison.Ordinal));
        await GrantAsync(home, "--key", KeyFor(home, server), "--host-key", server.HostKey);
        const string Anyhow = "-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null";
        var result = await home.ScriptAsync($"""
            ssh -o BatchMode=yes {SshServer.User}@{Forge} true; echo pinned $?
            ssh {Anyhow} {SshServer.User}@{Forge} true; echo anyhow $?
            ssh {Anyhow} {SshServer.User}@{Other} true; echo other $?
            ssh {Anyhow} -p 2222 {SshServer.User}@{Forge} true; echo port $?
            ssh {Anyhow} {SshServer.User}@127.0.0.1 true; echo loopback $?
            ssh {Anyhow} {SshServer.User}@192.0.2.1 true; echo address $?
            """);
        Assert.Equal(["pinned 255", "anyhow 255", "other 255", "port 255", "loopback 255", "address 255"], result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("Host key verification failed", result.Err, StringComparison.Ordinal);
        Assert.Contains("Permission denied (publickey)", result.Err, StringComparison.Ordinal);
        Assert.Contains("pinned for no granted host", result.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("Accepted publickey for", foreign.Log + server.Log, StringComparison.Ordinal);
        var records = await RecordsAsync(home);
        Assert.DoesNotContain(records, record => Type(record) == "signature.intent");
        Assert.Equal([Other, "127.0.0.1", "192.0.2.1"], records.Where(record => Type(record) == "connect.denied").Select(record => Text(record.GetProperty("payload"), "host")));
    }

    [Fact]
    public async Task What_cannot_be_granted_is_told_with_the_mend()
    {
        await using var server = await SshServer.StartAsync();
        using var home = NewHome(Self, server);
        await SshServer.ToolAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", Path.Combine(home.Root, "locked"));
        await SshServer.ToolAsync("openssl", "genrsa", "-out", Path.Combine(home.Root, "old"), "2048");
        (string[] Arguments, string Problem, string Mend)[] cases =
        [
            (["ssh"], "which host", "--host"),
            (["ssh", "--host", "*.moat.test", "--host-key", server.HostKey], "is no host", "one host"),
            (["ssh", "--host", Forge, "--key", server.KeyFile], "no key of " + Forge, "--host-key"),
            (["ssh", "--host", Forge, "--key", server.KeyFile, "--host-key", "ssh-ed25519 AAAA"], "is no host key", "base64"),
            (["ssh", "--host", Forge, "--key", Path.Combine(home.Root, "locked"), "--host-key", server.HostKey], "encrypted with a passphrase", "ssh-add"),
            (["ssh", "--host", Forge, "--key", Path.Combine(home.Root, "old"), "--host-key", server.HostKey], "no private key in OpenSSH's format", "ssh-keygen -p"),
            (["ssh", "--host", Forge, "--host-key", server.HostKey], "SSH_AUTH_SOCK is not set", "--key FILE"),
            (["ssh:" + Forge, "--host-key", server.HostKey, "--key", server.KeyFile, "--scope", "GET /**"], "no requests in an SSH session", "deploy key"),
            (["openai", "--sign-commits"], "takes no --host", "moat grant ssh"),
        ];
        foreach (var (arguments, problem, mend) in cases)
        {
            var result = await home.MoatAsync(["grant", .. arguments]);
            Assert.True(result.ExitCode == 125 && result.Err.Contains(problem, StringComparison.Ordinal) && result.Err.Contains(mend, StringComparison.Ordinal), $"{string.Join(' ', arguments)}\n{result}");
        }
        Assert.Equal("[]", (await home.MoatAsync("grant", "list", "--json")).Out.Trim());
    }

    private static MoatHome NewHome(string user, SshServer server)
    {
        var home = new MoatHome(user);
        home.Env["SSH_AUTH_SOCK"] = "";
        home.Write(home.ConfigFile, $"""
            name: ssh
            grants: ["ssh:{Forge}"]
            network:
              policy: strict
              registries: false
              resolve:
                {Forge}: 127.0.0.1:{server.Port}
                {Other}: 127.0.0.1:{server.Port}
              rules:
                - {Other}

            """);
        return home;
    }

    private static string KeyFor(MoatHome home, SshServer server) => home.Write(Path.Combine(home.Root, "key"), File.ReadAllText(server.KeyFile));

    private static async Task GrantAsync(MoatHome home, params string[] options)
    {
        var granted = await home.MoatAsync(["grant", "ssh", "--host", Forge, .. options]);
        Assert.True(granted.ExitCode == 0, granted.ToString());
        var shown = await home.MoatAsync("grant", "show", "ssh:" + Forge);
        Assert.Contains("SHA256:", shown.Out, StringComparison.Ordinal);
    }

    private static async Task<string> NewRepositoryAsync(MoatHome home)
    {
        var repository = Path.Combine(home.Root, "srv", "p.git");
        await SshServer.ToolAsync("git", "init", "-q", "--bare", "-b", "main", repository);
        return repository;
    }

    private static async Task<List<JsonElement>> RecordsAsync(MoatHome home) => [.. JsonDocument.Parse((await home.MoatAsync("audit", "--json")).Out).RootElement.EnumerateArray()];

    private static string Type(JsonElement record) => record.GetProperty("type").GetString()!;

    private static string Text(JsonElement payload, string name) => payload.GetProperty(name).GetString()!;
}
