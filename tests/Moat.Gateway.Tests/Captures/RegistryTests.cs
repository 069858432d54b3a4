using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;

namespace Moat.Gateway.Tests;

/// <summary>The grant <c>docker</c> with a real registry and a real client: skopeo pushes, lists and pulls through the gateway.</summary>
public sealed class RegistryTests : IDisposable
{
    private const string Image = $"docker://{ContainerRegistry.Host}/team/app:1";
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-registry-").FullName;
    private readonly string _password = TestGrants.NewToken();
    private readonly TestGrants _grants = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _grants.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task T_46_skopeo_pushes_and_pulls_at_a_registry_that_takes_basic()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "htpasswd"), await RunAsync("htpasswd", ["-niB", "robot"], [], _password), Ct);
        await using var registry = await ContainerRegistry.StartAsync(_folder, $"  htpasswd:\n    realm: test\n    path: {_folder}/htpasswd");
        await GrantAsync(registry, null);
        await using var scene = await SceneAsync(registry, _ => Task.CompletedTask);
        await PushListPullAsync(scene);
        // What the sandbox holds is worth nothing by itself.
        using var direct = new HttpClient(registry.Handler());
        direct.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"robot:{_grants.Unlocked[0].Placeholder}")));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await direct.GetAsync(new Uri($"https://{ContainerRegistry.Host}/v2/"), Ct)).StatusCode);
    }

    [Fact]
    public async Task T_46_skopeo_pushes_and_pulls_at_a_registry_that_takes_tokens_without_holding_one()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=tokens", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        await File.WriteAllTextAsync(Path.Combine(_folder, "tokens.pem"), certificate.ExportCertificatePem(), Ct);
        await using var registry = await ContainerRegistry.StartAsync(_folder, $"  token:\n    realm: https://{CaptureScene.Auth}/token\n    service: the-registry\n    issuer: the-issuer\n    rootcertbundle: {_folder}/tokens.pem");
        await GrantAsync(registry, CaptureScene.Auth);

        var (given, wrong) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        var expected = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password));
        await using var scene = await SceneAsync(registry, async context =>
        {
            if (context.Request.Headers.Authorization != expected || context.Request.Query["service"] != "the-registry")
            {
                wrong.Enqueue($"{context.Request.Host}{context.Request.Path}");
                context.Response.StatusCode = 401;
                return;
            }
            var token = Token(key, certificate, context.Request.Query["scope"]);
            given.Enqueue(token);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(new JsonObject { ["token"] = token, ["access_token"] = token, ["expires_in"] = 300 }.ToJsonString());
        });
        await PushListPullAsync(scene);
        Assert.Empty(wrong);
        Assert.NotEmpty(given);

        // What a client in the sandbox gets: no byte of a token's signature, in any answer; and the placeholder works here alone.
        using var client = scene.Client();
        using var asked = await client.GetAsync(new Uri($"https://{CaptureScene.Auth}/token?service=the-registry&scope=repository:team/app:pull"), Ct);
        var answer = await asked.Content.ReadAsStringAsync(Ct);
        Assert.True(given.TryPeek(out _));
        Assert.All(given, token => Assert.DoesNotContain(token.Split('.')[2], answer, StringComparison.Ordinal));
        Assert.DoesNotContain(_password, answer, StringComparison.Ordinal);
        var placeholder = JsonDocument.Parse(answer).RootElement.GetProperty("token").GetString()!;
        Assert.Equal(System.Net.HttpStatusCode.OK, await TagsAsync(client, placeholder));
        using var direct = new HttpClient(registry.Handler());
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await TagsAsync(direct, placeholder));
        Assert.All(given, token => Assert.DoesNotContain(token.Split('.')[2], Everything(), StringComparison.Ordinal));
    }

    private static async Task<System.Net.HttpStatusCode> TagsAsync(HttpClient client, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{ContainerRegistry.Host}/v2/team/app/tags/list");
        request.Headers.Authorization = new("Bearer", token);
        using var response = await client.SendAsync(request, Ct);
        return response.StatusCode;
    }

    private async Task GrantAsync(ContainerRegistry registry, string? authHost)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "home/.docker"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "home/.docker/config.json"),
            new JsonObject { ["auths"] = new JsonObject { [ContainerRegistry.Host] = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password)) } } }.ToJsonString(), Ct);
        using var handler = registry.Handler();
        await _grants.GrantAsync(new GrantRequest("docker") { NoValidate = authHost is not null, Registry = new RegistryRequest([], null, authHost) }, handler, name => name == "HOME" ? Path.Combine(_folder, "home") : null);
        _grants.Unlock(["docker"]);
        Directory.Delete(Path.Combine(_folder, "home"), recursive: true);
        Directory.CreateDirectory(Path.Combine(_folder, "inside/.docker"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "inside/.docker/config.json"), _grants.Unlocked[0].Files.Single().Text, Ct);
    }

    private async Task<Scene> SceneAsync(ContainerRegistry registry, RequestDelegate tokens)
    {
        var scene = await Scene.StartAsync(tokens, new SceneOptions
        {
            Providers = [],
            Grants = [],
            Extra = [_grants.Unlocked[0]],
            Hosts = [CaptureScene.Auth, ContainerRegistry.Host],
            Ca = [registry.Ca],
            Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(ContainerRegistry.Host, $"127.0.0.1:{registry.Port}"),
        });
        await File.WriteAllTextAsync(Path.Combine(_folder, "inside/ca.pem"), scene.Authority.CertificatePem, Ct);
        return scene;
    }

    private async Task PushListPullAsync(Scene scene)
    {
        WriteImage(Path.Combine(_folder, "inside/image"));
        await SkopeoAsync(scene, "copy", $"oci:{_folder}/inside/image:1", Image);
        Assert.Equal("1", JsonDocument.Parse(await SkopeoAsync(scene, "list-tags", $"docker://{ContainerRegistry.Host}/team/app")).RootElement.GetProperty("Tags")[0].GetString());
        await SkopeoAsync(scene, "copy", Image, $"oci:{_folder}/inside/pulled:1");
        Assert.Equal(Directory.GetFiles($"{_folder}/inside/image/blobs/sha256").Select(Path.GetFileName).Order(), Directory.GetFiles($"{_folder}/inside/pulled/blobs/sha256").Select(Path.GetFileName).Order());
        Assert.DoesNotContain(_password, Everything(), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password)), Everything(), StringComparison.Ordinal);
    }

    private Task<string> SkopeoAsync(Scene scene, params string[] arguments) => RunAsync("skopeo", ["--debug", "--insecure-policy", .. arguments], new()
    {
        ["HOME"] = Path.Combine(_folder, "inside"),
        ["XDG_RUNTIME_DIR"] = Path.Combine(_folder, "inside"),
        ["SSL_CERT_FILE"] = Path.Combine(_folder, "inside/ca.pem"),
        ["HTTPS_PROXY"] = $"http://{scene.Proxy}",
    });

    /// <summary>What stands on the sandbox's side, the client's own debug log included.</summary>
    private string Everything() => string.Concat(Directory.GetFiles(Path.Combine(_folder, "inside"), "*", SearchOption.AllDirectories).Select(path => Encoding.Latin1.GetString(File.ReadAllBytes(path))));

    private async Task<string> RunAsync(string program, string[] arguments, Dictionary<string, string> environment, string input = "")
    {
        Assert.True(File.Exists("/usr/bin/" + program), $"install Debian's {(program == "htpasswd" ? "apache2-utils" : program)}");
        var info = new ProcessStartInfo("/usr/bin/" + program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        using var process = Process.Start(info)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(Ct);
        if (environment.Count > 0)
            await File.AppendAllTextAsync(Path.Combine(_folder, "inside/log"), await output + await error, Ct);
        Assert.True(process.ExitCode == 0, await error);
        return await output;
    }

    /// <summary>A token by the registry's token specification, which the real registry verifies.</summary>
    private static string Token(ECDsa key, X509Certificate2 certificate, string? scope)
    {
        var access = new JsonArray();
        foreach (var parts in (scope ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split(':')))
            access.Add(new JsonObject { ["type"] = parts[0], ["name"] = parts[1], ["actions"] = new JsonArray([.. parts[2].Split(',').Select(action => JsonValue.Create(action))]) });
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var header = new JsonObject { ["typ"] = "JWT", ["alg"] = "ES256", ["x5c"] = new JsonArray(Convert.ToBase64String(certificate.RawData)) };
        var claims = new JsonObject
        {
            ["iss"] = "the-issuer",
            ["sub"] = "robot",
            ["aud"] = "the-registry",
            ["exp"] = now + 300,
            ["nbf"] = now - 10,
            ["iat"] = now,
            ["jti"] = Convert.ToHexString(RandomNumberGenerator.GetBytes(8)),
            ["access"] = access,
        };
        var text = $"{Part(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Part(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        return $"{text}.{Part(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";

        static string Part(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
    }

    /// <summary>An image of one file, as an OCI layout.</summary>
    private static void WriteImage(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "blobs/sha256"));
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "hello") { DataStream = new MemoryStream("hello\n"u8.ToArray()) });
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar.ToArray());
        var layer = Blob(zipped.ToArray(), "application/vnd.oci.image.layer.v1.tar+gzip");
        var config = Blob(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray("sha256:" + Convert.ToHexStringLower(SHA256.HashData(tar.ToArray()))) },
        }.ToJsonString()), "application/vnd.oci.image.config.v1+json");
        var manifest = Blob(Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = "application/vnd.oci.image.manifest.v1+json", ["config"] = config, ["layers"] = new JsonArray(layer) }.ToJsonString()), "application/vnd.oci.image.manifest.v1+json");
        manifest["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "1" };
        File.WriteAllText(Path.Combine(folder, "index.json"), new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(manifest) }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");

        JsonObject Blob(byte[] bytes, string type)
        {
            var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
            File.WriteAllBytes(Path.Combine(folder, "blobs/sha256", digest), bytes);
            return new JsonObject { ["mediaType"] = type, ["digest"] = "sha256:" + digest, ["size"] = bytes.Length };
        }
    }
}
