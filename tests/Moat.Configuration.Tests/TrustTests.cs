using CsCheck;
using Moat.Spec;

namespace Moat.Configuration.Tests;

public class TrustTests
{
    [Fact]
    public void One_changed_byte_asks_again()
    {
        using var temp = new Temporary();
        var store = new TrustStore(temp.Directories.DataDirectory);
        const string Yaml = "command: [make, test] # x";
        var file = temp.Load(Yaml);
        Assert.False(store.IsTrusted(file, temp.Workspace));
        store.Trust(file, temp.Workspace);
        Assert.True(new TrustStore(temp.Directories.DataDirectory).IsTrusted(file, temp.Workspace));
        Gen.Int[24, Yaml.Length - 1].Sample(at =>
        {
            var changed = Yaml[..at] + (char)(Yaml[at] ^ 1) + Yaml[(at + 1)..];
            Assert.False(store.IsTrusted(temp.Load(changed), temp.Workspace));
        }, iter: 20, threads: 1);
        Assert.True(store.IsTrusted(temp.Load(Yaml), temp.Workspace));
    }

    [Fact]
    public void Another_workspace_with_the_same_bytes_is_not_trusted()
    {
        using var temp = new Temporary();
        var store = new TrustStore(temp.Directories.DataDirectory);
        store.Trust(temp.Load("name: a"), temp.Workspace);
        var other = Path.GetDirectoryName(temp.Write("other/moat.yaml", "name: a"))!;
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(other)!, other));
    }

    [Fact]
    public void A_file_outside_is_the_persons_own_unless_it_really_lies_inside()
    {
        using var temp = new Temporary();
        var store = new TrustStore(temp.Directories.DataDirectory);
        var outside = temp.Write("home/mine.yaml", "name: a");
        Assert.True(store.IsTrusted(ConfigurationLoader.Load(outside)!, temp.Workspace));

        temp.Write("work space/agents.yaml", "name: a");
        var link = Path.Combine(temp.Home, "link.yaml");
        File.CreateSymbolicLink(link, Path.Combine(temp.Workspace, "agents.yaml"));
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(link)!, temp.Workspace));
        // A link inside that leads outside can be turned by the agent.
        File.CreateSymbolicLink(Path.Combine(temp.Workspace, "in.yaml"), outside);
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(Path.Combine(temp.Workspace, "in.yaml"))!, temp.Workspace));
        // The same by a workspace that is reached through a link, and by a folder in it that is one.
        File.CreateSymbolicLink(Path.Combine(temp.Root, "ws"), temp.Workspace);
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(Path.Combine(temp.Root, "ws/in.yaml"))!, Path.Combine(temp.Root, "ws")));
        File.CreateSymbolicLink(Path.Combine(temp.Workspace, "folder"), temp.Home);
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(Path.Combine(temp.Root, "ws/folder/mine.yaml"))!, temp.Workspace));

        temp.Write("work space/ca.pem", FileTests.MakeCertificate());
        var mixed = temp.Write("home/mixed.yaml", $"network: {{ca: [\"{temp.Workspace}/ca.pem\"]}}");
        Assert.False(store.IsTrusted(ConfigurationLoader.Load(mixed)!, temp.Workspace));
    }

    [Fact]
    public void Trust_is_listed_revoked_and_private()
    {
        using var temp = new Temporary();
        var store = new TrustStore(temp.Directories.DataDirectory);
        Assert.False(store.Revoke(temp.Workspace));
        var first = temp.Load("name: a");
        store.Trust(first, temp.Workspace);
        store.Trust(first, temp.Workspace);
        store.Trust(temp.Load("name: b"), temp.Workspace);
        Assert.Equal([first.Sha256, temp.Load("name: b").Sha256], store.List().Select(e => e.Digest));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(temp.Directories.DataDirectory, "trust.json")));
        Assert.True(store.Revoke(temp.Workspace + "/."));
        Assert.Empty(store.List());
        Assert.False(store.IsTrusted(first, temp.Workspace));
    }

    [Fact]
    public void A_damaged_store_trusts_nothing_and_is_kept()
    {
        using var temp = new Temporary();
        var store = new TrustStore(temp.Directories.DataDirectory);
        var file = temp.Load("name: a");
        store.Trust(file, temp.Workspace);
        var path = Path.Combine(temp.Directories.DataDirectory, "trust.json");
        foreach (var text in (string[])["", "{", "null", "{\"version\":2,\"entries\":[]}", "{\"version\":1}"])
        {
            File.WriteAllText(path, text);
            Assert.Throws<MoatException>(() => store.IsTrusted(file, temp.Workspace));
            Assert.Throws<MoatException>(() => store.Trust(file, temp.Workspace));
            Assert.Equal(text, File.ReadAllText(path));
        }
    }

    [Fact]
    public void Writers_side_by_side_lose_nothing()
    {
        using var temp = new Temporary();
        var files = Enumerable.Range(0, 24).Select(i => ConfigurationLoader.Load(temp.Write($"w{i}/moat.yaml", $"name: n{i}"))!).ToArray();
        Parallel.ForEach(files, file => new TrustStore(temp.Directories.DataDirectory).Trust(file, file.Folder));
        Assert.Equal(24, new TrustStore(temp.Directories.DataDirectory).List().Length);
    }

    [Fact]
    public void The_summary_tells_what_the_file_may_do_and_no_values()
    {
        var lines = TrustSummary.Of(Temporary.Good("""
            command: [sh, -c, "curl x; \e[2J rm"]
            grants: [github]
            env: {TOKEN: very-secret}
            mounts: ["~/src:/src", "./d:/d:ro"]
            downgrades: [landlock]
            network: {policy: permissive, rules: [{"a.example:81": ["deny * /x"]}], host: [5432], resolve: {b.example: 10.0.0.1}, ca: [./ca.pem]}
            """));
        var text = string.Join('\n', lines);
        foreach (var part in (string[])["sh -c 'curl x; ?[2J rm'", "github", "TOKEN", "~/src at /src (writable)", "./d at /d (read only)", "landlock", "EVERY public host", "a.example:81 (deny * /x)", "5432", "b.example to 10.0.0.1", "./ca.pem"])
            Assert.Contains(part, text, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', text);
        Assert.Empty(TrustSummary.Of(new MoatConfiguration()));
    }
}
