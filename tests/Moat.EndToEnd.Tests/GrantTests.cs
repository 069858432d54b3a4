using System.Collections.Concurrent;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Grants with their real clients: each stand-in takes the credential once, in its place, and nothing else.</summary>
public class GrantTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_46_gh_and_git_with_a_token_that_is_narrowed_to_one_repository(string user)
    {
        await using var scene = await StartAsync(user, "api.github.com", "github.com");
        scene.EditConfig("grants: [upstream]", "grants: [{github: repo acme/widget}]");
        await scene.GrantAsync("github", "GH_TOKEN", scene.Secret);
        var repositories = Path.Combine(scene.Home.Root, "srv");
        foreach (var name in (string[])["acme/widget", "acme/other"])
        {
            await GitAsync("init", "-q", "--bare", "-b", "main", Path.Combine(repositories, name + ".git"));
            await GitAsync("-C", Path.Combine(repositories, name + ".git"), "config", "http.receivepack", "true");
        }

        var (bearer, basic) = ("Bearer " + scene.Secret, "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("x-access-token:" + scene.Secret)));
        scene.Upstream.Answer = async context =>
        {
            var git = context.Request.Host.Host == "github.com";
            if (context.Request.Headers.Authorization != (git ? basic : bearer)) context.Response.StatusCode = 401;
            else if (!git) await context.Response.WriteAsync("{\"full_name\":\"acme/widget\",\"private\":true}");
            else
            {
                context.Request.Path = "/git" + context.Request.Path;
                await GitHttpBackend.ServeAsync(context, repositories);
            }

            return true;
        };
        var result = await scene.Home.ScriptAsync("""
            gh api repos/acme/widget --jq .full_name
            gh api repos/acme/other 2>&1; echo "exit $?"
            gh api -X POST gists -f x=y 2>&1; echo "exit $?"
            git clone -q https://github.com/acme/widget.git w 2>/dev/null && cd w && git config user.email a@example.test && git config user.name a
            echo change >file && git add . && git commit -qm change && git push -q origin HEAD:main && echo pushed
            git push -q https://github.com/acme/other.git HEAD:main 2>&1; echo "exit $?"
            curl -sS -H "Authorization: Bearer $GH_TOKEN" https://api.github.com/user
            """);
        Assert.StartsWith("acme/widget\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("\npushed\n", result.Out, StringComparison.Ordinal);
        Assert.Equal(3, result.Out.Split('\n').Count(line => line is "exit 1" or "exit 128"));
        Assert.Contains("narrowed to repo acme/widget", result.Out, StringComparison.Ordinal);
        Assert.Equal("change", await GitAsync("-c", "safe.directory=*", "-C", Path.Combine(repositories, "acme/widget.git"), "show", "main:file"));
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target.Contains("other", StringComparison.Ordinal) || seen.Target.Contains("gists", StringComparison.Ordinal) || seen.Target == "/user");
        scene.AssertNoSecretIn("the output", result.Out + result.Err);
        scene.AssertNoSecretOnDisk();
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Npm_uses_each_registry_of_the_persons_configuration_with_the_credential_of_that_registry(string user)
    {
        await using var scene = await StartAsync(user, "packages.acme.test");
        var second = "tst_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
        var main = $"//{Scene.RegistryHost}/npm/";
        scene.EditConfig("grants: [upstream]", "grants: [npm]");
        var npmrc = scene.Home.Write(Path.Combine(scene.Home.Home, ".npmrc"), $"""
            registry=https://{Scene.RegistryHost}/npm/
            @acme:registry=https://packages.acme.test/
            {main}:_authToken={scene.Secret}
            //packages.acme.test/:_auth={Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + second))}
            """);
        var granted = await scene.Home.MoatAsync("grant", "npm", "--no-validate");
        Assert.True(granted.ExitCode == 0, granted.ToString());
        File.Delete(npmrc);

        var tarball = Tarball();
        var wrong = new ConcurrentQueue<string>();
        scene.Upstream.Answer = async context =>
        {
            var acme = context.Request.Host.Host == "packages.acme.test";
            var expected = acme ? "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + second)) : "Bearer " + scene.Secret;
            if (context.Request.Headers.Authorization != expected) wrong.Enqueue($"{context.Request.Host}{context.Request.Path} {context.Request.Headers.Authorization}");
            var path = Uri.UnescapeDataString(context.Request.Path.Value!);
            if (path.EndsWith("/-/whoami", StringComparison.Ordinal)) await context.Response.WriteAsync("{\"username\":\"robot\"}");
            else if (path.EndsWith(".tgz", StringComparison.Ordinal)) await context.Response.Body.WriteAsync(tarball);
            else if (path.TrimStart('/') is "npm/tiny" or "npm/@open/tiny" or "@acme/tiny") await context.Response.WriteAsync(Packument(path[(acme ? 1 : 5)..], $"https://{context.Request.Host.Host}{(acme ? "" : "/npm")}/tiny/-/tiny-1.0.0.tgz", tarball));
            else context.Response.StatusCode = 404;
            return true;
        };
        var result = await scene.Home.ScriptAsync("""
            set -e
            cat ~/.npmrc
            npm whoami
            echo '{}' >package.json
            npm install --no-audit --no-fund --fetch-retries=0 tiny @acme/tiny @open/tiny >/dev/null
            node -e 'for (const n of ["tiny", "@acme/tiny", "@open/tiny"]) console.log(require(n))'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.EndsWith("robot\nfrom the registry\nfrom the registry\nfrom the registry\n", result.Out, StringComparison.Ordinal);
        Assert.Empty(wrong);
        Assert.Contains(scene.Upstream.Seen, seen => seen.Host == "packages.acme.test" && seen.Target.EndsWith(".tgz", StringComparison.Ordinal));
        Assert.DoesNotContain(second, result.Out + result.Err, StringComparison.Ordinal);
        scene.AssertNoSecretIn("the output", result.Out + result.Err);
        scene.AssertNoSecretOnDisk();
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_35_slots_of_a_persons_own_provider_take_the_credential_where_they_stand(string user)
    {
        await using var scene = await StartAsync(user);
        scene.Home.Write(Path.Combine(scene.Home.Providers, "upstream.yaml"), $$"""
            name: upstream
            bindings:
              - { hosts: [{{Scene.ApiHost}}], slot: query, name: key, path: /search }
              - { hosts: [{{Scene.ApiHost}}], slot: json, name: auth.token, method: POST, path: /login }
              - { hosts: [{{Scene.ApiHost}}], slot: form, name: client_secret, method: POST, path: /token }
            source_env: [UPSTREAM_TOKEN]
            container_env: UPSTREAM_TOKEN
            """);
        var bodies = new ConcurrentQueue<string>();
        scene.Upstream.Answer = async context =>
        {
            bodies.Enqueue(await new StreamReader(context.Request.Body).ReadToEndAsync());
            await context.Response.WriteAsync("ok\n");
            return true;
        };
        var result = await scene.Home.ScriptAsync($$"""
            t=$UPSTREAM_TOKEN; u=https://{{Scene.ApiHost}}
            curl -sS "$u/search?q=1&key=$t"
            curl -sS "$u/other?q=1&key=$t"
            curl -sS $u/login -H 'Content-Type: application/json' -d "{\"auth\":{\"token\":\"$t\"},\"copy\":\"$t\"}"
            curl -sS $u/token -d grant_type=client_credentials -d "client_secret=$t" -d "note=$t"
            head -c 2000000 /dev/zero | tr '\0' x | curl -sS $u/login -H 'Content-Type: application/json' --data-binary @-
            """);
        Assert.StartsWith("ok\nok\nok\nok\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("1024 KiB", result.Out, StringComparison.Ordinal);
        var seen = scene.Upstream.Seen.ToArray();
        var sent = bodies.ToArray();
        Assert.Equal(4, seen.Length);
        var placeholder = seen[1].Target["/other?q=1&key=".Length..];
        Assert.NotEqual(scene.Secret, placeholder);
        Assert.Equal("/search?q=1&key=" + scene.Secret, seen[0].Target);
        Assert.Equal($$$"""{"auth":{"token":"{{{scene.Secret}}}"},"copy":"{{{placeholder}}}"}""", sent[2]);
        Assert.Equal($"grant_type=client_credentials&client_secret={scene.Secret}&note={placeholder}", sent[3]);
        scene.AssertNoSecretOnDisk();
    }

    /// <summary>A scene whose upstream also stands for these hosts.</summary>
    private static async Task<Scene> StartAsync(string user, params string[] hosts)
    {
        var scene = await Scene.StartAsync(user, certificate: authority => authority.Leaf(DateTimeOffset.UtcNow.AddDays(5), [Scene.ApiHost, Scene.EchoHost, Scene.RegistryHost, .. hosts]));
        scene.EditConfig("  resolve:\n", "  resolve:\n" + string.Concat(hosts.Select(host => $"    {host}: 127.0.0.1:{scene.Upstream.Port}\n")));
        return scene;
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

    private static string Packument(string name, string url, byte[] tarball) => new JsonObject
    {
        ["name"] = name,
        ["dist-tags"] = new JsonObject { ["latest"] = "1.0.0" },
        ["versions"] = new JsonObject
        {
            ["1.0.0"] = new JsonObject
            {
                ["name"] = name,
                ["version"] = "1.0.0",
                ["dist"] = new JsonObject { ["tarball"] = url, ["integrity"] = "sha512-" + Convert.ToBase64String(SHA512.HashData(tarball)) },
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
