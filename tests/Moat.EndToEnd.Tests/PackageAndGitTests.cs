using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>What an agent does most: it clones and pushes, and it installs packages.</summary>
public class PackageAndGitTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task Git_clones_and_pushes_with_a_credential_it_does_not_hold(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var repositories = Path.Combine(scene.Home.Root, "srv");
        await GitAsync("init", "-q", "--bare", "-b", "main", Path.Combine(repositories, "p.git"));
        await GitAsync("-C", Path.Combine(repositories, "p.git"), "config", "http.receivepack", "true");
        scene.Upstream.GitRoot = repositories;
        scene.Home.Write(Path.Combine(scene.Home.Providers, "forge.yaml"), $$"""
            name: forge
            description: The test's own forge
            hosts: [{{Scene.GitHost}}]
            inject: { format: basic, user: robot }
            source_env: [FORGE_TOKEN]
            container_env: FORGE_TOKEN
            """);
        await scene.GrantAsync("forge", "FORGE_TOKEN", scene.Secret);
        var result = await scene.Home.ScriptAsync($"""
            set -e
            git clone -q https://robot:$FORGE_TOKEN@{Scene.GitHost}/git/p.git p && cd p
            git config user.email a@example.test; git config user.name a
            head -c 3000000 /dev/urandom >big; echo change >file; git add .; git commit -qm change
            git push -q origin HEAD:main
            git clone -q https://{Scene.GitHost}/git/p.git ../again && cat ../again/file
            """, "--grant", "forge");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.EndsWith("change\n", result.Out, StringComparison.Ordinal);
        Assert.Equal("change", await GitAsync("-c", "safe.directory=*", "-C", Path.Combine(repositories, "p.git"), "show", "main:file"));
        Assert.NotEmpty(scene.Upstream.Seen);
        var basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("robot:" + scene.Secret));
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal([basic], seen.Header("Authorization")));
        scene.AssertNoSecretOnDisk();
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Npm_installs_from_the_registry_that_the_person_configured_and_from_no_other(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.EditConfig("registries: false", "registries: true");
        var tarball = Tarball();
        scene.Upstream.Answer = async context =>
        {
            if (context.Request.Host.Host != Scene.RegistryHost) return false;
            if (context.Request.Path == "/npm/tiny") await context.Response.WriteAsync(Packument(tarball));
            else if (context.Request.Path == "/npm/tiny/-/tiny-1.0.0.tgz") await context.Response.Body.WriteAsync(tarball);
            else context.Response.StatusCode = 404;
            return true;
        };
        var install = $"echo '{{}}' >package.json; npm install --no-audit --no-fund --fetch-retries=0 --registry https://{Scene.RegistryHost}/npm/ tiny && node -e 'console.log(require(\"tiny\"))'";

        var without = await scene.Home.ScriptAsync(install);
        Assert.NotEqual(0, without.ExitCode);
        Assert.Empty(scene.Upstream.Seen);

        scene.Home.Write(Path.Combine(scene.Home.Home, ".npmrc"), $"registry=https://{Scene.RegistryHost}/npm/\n");
        var with = await scene.Home.ScriptAsync(install);
        Assert.True(with.ExitCode == 0, with.ToString());
        Assert.EndsWith("from the registry\n", with.Out, StringComparison.Ordinal);
    }

    private static byte[] Tarball()
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
        using (var tar = new TarWriter(gzip))
        {
            foreach (var (name, text) in ((string, string)[])[("package.json", """{"name":"tiny","version":"1.0.0"}"""), ("index.js", "module.exports = 'from the registry'")])
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "package/" + name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
        }

        return bytes.ToArray();
    }

    private static string Packument(byte[] tarball) => new JsonObject
    {
        ["name"] = "tiny",
        ["dist-tags"] = new JsonObject { ["latest"] = "1.0.0" },
        ["versions"] = new JsonObject
        {
            ["1.0.0"] = new JsonObject
            {
                ["name"] = "tiny",
                ["version"] = "1.0.0",
                ["dist"] = new JsonObject
                {
                    ["tarball"] = $"https://{Scene.RegistryHost}/npm/tiny/-/tiny-1.0.0.tgz",
                    ["integrity"] = "sha512-" + Convert.ToBase64String(SHA512.HashData(tarball)),
                },
            },
        },
    }.ToJsonString();

    private static async Task<string> GitAsync(params string[] arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true })!;
        var output = await git.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await git.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, git.ExitCode);
        return output.TrimEnd();
    }
}
