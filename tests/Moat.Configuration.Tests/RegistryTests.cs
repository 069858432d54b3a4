using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration.Tests;

public class RegistryTests
{
    [Fact]
    public void Each_clients_own_configuration_is_read()
    {
        using var temp = new Temporary();
        temp.Write("home/.npmrc", "registry = https://npm.mirror.example/api/\n@corp:registry=https://${HOSTPART}.corp.example:8443/\n//npm.mirror.example/:_authToken=tok\n; registry=https://comment.example\n");
        temp.Write("home/.nuget/NuGet/NuGet.Config", "<configuration><packageSources><add key=\"a\" value=\"https://nuget.mirror.example/v3/index.json\" /><add key=\"off\" value=\"https://off.example\" /><add key=\"local\" value=\"/srv/packages\" /></packageSources><disabledPackageSources><add key=\"off\" value=\"true\" /></disabledPackageSources></configuration>");
        temp.Write("home/.config/pip/pip.conf", "[global]\nindex-url = https://user:pa55@pip.mirror.example/simple\nextra-index-url =\n    https://one.example/simple\n    http://two.example:8080/simple\ntimeout = 3\n");
        temp.Write("home/.cargo/config.toml", "[source.corp]\nregistry = \"sparse+https://cargo.mirror.example/index/\"\n[registries]\nx = { index = 'https://index.example/git' }\n# registry = \"https://comment.example\"\n[source.v]\nlocal-registry = \"https://local.example\"\n");
        temp.Write("home/.config/go/env", "GOPROXY=https://go.mirror.example,direct\nGOSUMDB=sum.example+abc+def\n");
        temp.Write("sys/etc/apt/sources.list", "deb [arch=amd64 signed-by=/x] http://apt.mirror.example/debian stable main\n# deb http://comment.example x y\ndeb cdrom:[x]/ a b\n");
        temp.Write("sys/etc/apt/sources.list.d/a.sources", "Types: deb\nURIs: https://deb1.example/x\n https://deb2.example/y\nSuites: s\n\nEnabled: no\nURIs: https://disabled.example\n");
        var rules = Discover(temp, ("HOSTPART", "npm"));
        Assert.Equal(
        [
            "npm.mirror.example:443", "npm.corp.example:8443", "nuget.mirror.example:443", "pip.mirror.example:443", "one.example:443", "two.example:8080",
            "cargo.mirror.example:443", "index.example:443", "go.mirror.example:443", "sum.example:443", "apt.mirror.example:80", "deb1.example:443", "deb2.example:443",
        ], rules.Select(r => $"{r.Host}:{r.Port}"));
        Assert.Equal("npm registry (.npmrc)", rules[0].Origin);
        foreach (var file in Directory.EnumerateFiles(temp.Root, "registries.json", SearchOption.AllDirectories))
            Assert.DoesNotContain("pa55", File.ReadAllText(file) + string.Join(' ', rules), StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_counts_and_loopback_does_not()
    {
        using var temp = new Temporary();
        var rules = Discover(temp, ("NPM_CONFIG_REGISTRY", "https://npm.env.example"), ("PIP_INDEX_URL", "http://localhost:3141/"), ("PIP_EXTRA_INDEX_URL", "http://127.0.0.1:1/ http://[::1]:1/ https://u:p@pip.env.example/"), ("GOPROXY", "off"), ("GOSUMDB", "off"));
        Assert.Equal(["npm.env.example", "pip.env.example"], rules.Select(r => r.Host));
    }

    [Fact]
    public void Without_configuration_the_clients_are_asked_once_and_outside_of_any_project()
    {
        using var temp = new Temporary();
        Program(temp, "npm", "echo x >> \"$HOME/asked\"; [ \"$PWD\" = / ] && [ -z \"$MOAT_TEST_SECRET\" ] && echo https://u:p@npm.default.example/");
        Program(temp, "dotnet", "printf 'E https://nuget.default.example/v3/index.json\\nD https://disabled.example/\\n'");
        Program(temp, "go", "printf 'https://go.default.example,direct\\nsum.default.example\\n'");
        (string, string)[] environment = [("PATH", Path.Combine(temp.Root, "bin") + ":/usr/bin:/bin")];
        // A secret of this process is not a package client's to see.
        Environment.SetEnvironmentVariable("MOAT_TEST_SECRET", "x");
        for (var i = 0; i < 3; i++)
            Assert.Equal(["npm.default.example", "nuget.default.example", "go.default.example", "sum.default.example"], Ask(temp, environment).Select(r => r.Host));
        Assert.Single(File.ReadAllLines(Path.Combine(temp.Home, "asked")));

        temp.Write("home/.npmrc", "registry=https://npm.mirror.example\n");
        Assert.Equal("npm.mirror.example", Ask(temp, environment)[0].Host);
        Assert.Single(File.ReadAllLines(Path.Combine(temp.Home, "asked")));
        File.Delete(Path.Combine(temp.Home, ".npmrc"));
        Assert.Equal("npm.default.example", Ask(temp, environment)[0].Host);
        Assert.Equal(2, File.ReadAllLines(Path.Combine(temp.Home, "asked")).Length);
    }

    [Fact]
    public void A_client_that_fails_is_asked_again_only_after_half_a_day()
    {
        using var temp = new Temporary();
        Program(temp, "npm", "exit 1");
        var asked = 0;
        var clock = new Clock();
        for (var i = 0; i < 3; i++) Run();
        Assert.Equal(1, asked);
        clock.Now += TimeSpan.FromHours(13);
        Run();
        Assert.Equal(2, asked);

        void Run() => RegistryDiscovery.Discover(Scope(temp, ("PATH", Path.Combine(temp.Root, "bin"))), Path.Combine(temp.Root, "cache"), (_, _) =>
        {
            asked++;
            return null;
        }, clock);
    }

    [Fact]
    public void A_workspaces_own_files_never_count()
    {
        using var temp = new Temporary();
        temp.Write("work space/.npmrc", "registry=https://evil.example\n");
        temp.Write("work space/pip.conf", "[global]\nindex-url=https://evil.example\n");
        temp.Write("work space/bin/npm", "#!/bin/sh\necho https://evil.example\n");
        File.SetUnixFileMode(Path.Combine(temp.Workspace, "bin/npm"), (UnixFileMode)0b111_101_101);
        // Also with a relative folder on the PATH, as some shells have.
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = temp.Workspace;
        try
        {
            Assert.Empty(Discover(temp, ("PATH", ".:bin:./bin")));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Fact]
    public void A_damaged_cache_or_configuration_is_no_error()
    {
        using var temp = new Temporary();
        temp.Write("home/.nuget/NuGet/NuGet.Config", "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><configuration>&a;");
        temp.Write("home/.npmrc", "registry=https://npm.mirror.example\nregistry\n=\n\0\n");
        temp.Write("home/.config/pip/pip.conf", " index-url\n=\n[");
        foreach (var text in (string[])["", "{", "null", "{\"key\":null}"])
        {
            temp.Write("cache/registries.json", text);
            Assert.Equal("npm.mirror.example", Assert.Single(Discover(temp)).Host);
        }
    }

    [Fact]
    public void A_changed_file_or_variable_is_seen_and_a_warm_answer_reads_no_configuration()
    {
        using var temp = new Temporary();
        var file = temp.Write("home/.npmrc", "registry=https://a.example\n");
        Assert.Equal("a.example", Assert.Single(Discover(temp)).Host);
        var stamp = File.GetLastWriteTimeUtc(file);
        // Same length and time: the answer can only come from the cache.
        File.WriteAllText(file, "registry=https://b.example\n");
        File.SetLastWriteTimeUtc(file, stamp);
        Assert.Equal("a.example", Assert.Single(Discover(temp)).Host);
        File.SetLastWriteTimeUtc(file, stamp.AddSeconds(1));
        Assert.Equal("b.example", Assert.Single(Discover(temp)).Host);
        Assert.Equal(["c.example", "b.example"], Discover(temp, ("NPM_CONFIG_REGISTRY", "https://c.example")).Select(r => r.Host));
    }

    private static ImmutableArray<HostRuleSpec> Discover(Temporary temp, params (string Name, string Value)[] variables)
        => RegistryDiscovery.Discover(Scope(temp, variables), Path.Combine(temp.Root, "cache"), (_, client) => throw new InvalidOperationException($"{client.Name} was asked"), TimeProvider.System);

    private static ImmutableArray<HostRuleSpec> Ask(Temporary temp, params (string Name, string Value)[] variables)
        => RegistryDiscovery.Discover(Scope(temp, variables), Path.Combine(temp.Root, "cache"), RegistryClients.Ask, TimeProvider.System);

    private static RegistryScope Scope(Temporary temp, params (string Name, string Value)[] variables)
        => new(name => name == "HOME" ? temp.Home : variables.FirstOrDefault(v => v.Name == name).Value, Path.Combine(temp.Root, "sys"));

    private static void Program(Temporary temp, string name, string script)
        => File.SetUnixFileMode(temp.Write("bin/" + name, "#!/bin/sh\n" + script + "\n"), (UnixFileMode)0b111_101_101);

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
