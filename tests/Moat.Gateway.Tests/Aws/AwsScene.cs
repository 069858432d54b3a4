using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.EndToEnd.Tests.Harness;
using Moat.Spec;

namespace Moat.Gateway.Tests;

/// <summary>A gateway with an <c>aws</c> grant before a strict stand-in of AWS, and a client that signs with what the sandbox has.</summary>
internal sealed class AwsScene : IAsyncDisposable
{
    public const string S3 = "s3.eu-west-1.amazonaws.com", Bucket = "bucket.s3.eu-west-1.amazonaws.com", Dynamo = "dynamodb.eu-west-1.amazonaws.com",
        OtherRegion = "dynamodb.us-east-1.amazonaws.com", Sts = "sts.eu-west-1.amazonaws.com", Iam = "iam.amazonaws.com", Ec2 = "ec2.eu-west-1.amazonaws.com";

    private readonly string _folder = Directory.CreateTempSubdirectory("moat-aws-").FullName;
    private Vault _vault = null!;

    public string KeyId { get; } = "ASIA" + Random(8);

    public string SecretKey { get; } = Random(20);

    public string SessionToken { get; } = Random(60);

    public UnlockedGrant Grant { get; private set; } = null!;

    public Scene Scene { get; private set; } = null!;

    /// <summary>What AWS took: service, region and the body.</summary>
    public List<AwsVerifier.Verified> Taken { get; } = [];

    /// <summary>Why AWS refused.</summary>
    public List<string> Refused { get; } = [];

    /// <summary>Answers what was taken, in place of an empty 200.</summary>
    public RequestDelegate? Answer { get; set; }

    public static async Task<AwsScene> StartAsync(params string[] scope)
    {
        var scene = new AwsScene();
        scene._vault = Vault.Open(scene._folder, "", new VaultOptions { UseKeyring = false });
        using (var credential = new StoredCredential
        {
            Provider = "aws",
            Token = Secret.FromText(scene.SecretKey),
            Parts = ImmutableSortedDictionary<string, Secret>.Empty.Add("key-id", Secret.FromText(scene.KeyId)).Add("session-token", Secret.FromText(scene.SessionToken)),
            Allow = [.. scope],
            CreatedAt = DateTimeOffset.UnixEpoch,
            Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("aws.region", "eu-west-1"),
        })
        {
            scene._vault.Put(credential);
        }
        scene.Grant = scene.Unlock();
        var verifier = new AwsVerifier(scene.KeyId, scene.SecretKey, scene.SessionToken);
        scene.Scene = await Scene.StartAsync(
            async context =>
            {
                try
                {
                    scene.Taken.Add(await verifier.VerifyAsync(context));
                }
                catch (Exception ex) when (ex is InvalidOperationException or FormatException or IndexOutOfRangeException or IOException)
                {
                    scene.Refused.Add(ex.Message);
                    context.Response.StatusCode = 403;
                    return;
                }
                if (scene.Answer is { } answer)
                    await answer(context);
            },
            new SceneOptions { Providers = [], Grants = [], Extra = [scene.Grant], Hosts = [S3, Bucket, Dynamo, OtherRegion, Sts, Iam, Ec2] });
        return scene;
    }

    /// <summary>The grant as another run has it.</summary>
    public UnlockedGrant Unlock() => GrantUnlocker.Unlock(
        new RunSpec
        {
            Id = "run_000000000000",
            Name = "test",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Grants = [new GrantSpec("aws")],
            CreatedAt = DateTimeOffset.UnixEpoch,
        }, _vault, ProviderCatalog.Load(null), RandomNumberGenerator.GetBytes(32)).Single();

    public void Revoke()
    {
        _vault.Remove("aws");
        using var watch = GrantWatch.Start(_vault, [Grant]);
        watch.CheckNow();
    }

    /// <summary>A request as an SDK makes it.</summary>
    public AwsCall Call(string host, string service, string region = "eu-west-1", UnlockedGrant? of = null) => new(host, service, region, (of ?? Grant).Env["AWS_ACCESS_KEY_ID"], (of ?? Grant).Env["AWS_SECRET_ACCESS_KEY"]);

    public async Task<HttpResponseMessage> SendAsync(AwsCall call, Version? version = null)
    {
        var client = Scene.Client(version: version);
        return await client.SendAsync(call.Sign());
    }

    /// <summary>Asserts that the gateway refused for this reason and nothing reached AWS.</summary>
    public async Task AssertRefusedAsync(AwsCall call, string reason, HttpStatusCode status = HttpStatusCode.Forbidden)
    {
        using var response = await SendAsync(call);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode} {text}");
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.Empty(Scene.Upstream.Seen);
        Assert.Contains(Scene.Denials, denial => denial.Reason.Contains(reason, StringComparison.Ordinal));
    }

    public async Task AssertTakenAsync(AwsCall call, Version? version = null)
    {
        using var response = await SendAsync(call, version);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode} {await response.Content.ReadAsStringAsync()} {string.Join('\n', Refused)}");
    }

    public async ValueTask DisposeAsync()
    {
        await Scene.DisposeAsync();
        _vault.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Random(int bytes) => Convert.ToHexString(RandomNumberGenerator.GetBytes(bytes));
}

/// <summary>One call of an SDK, to be signed when it is sent.</summary>
internal sealed record AwsCall(string Host, string Service, string Region, string KeyId, string SecretKey)
{
    public HttpMethod Method { get; init; } = HttpMethod.Get;

    public string Target { get; init; } = "/";

    public byte[] Body { get; init; } = [];

    public string? ContentType { get; init; }

    /// <summary>Of <c>X-Amz-Content-Sha256</c>; null: none is sent, and the hash of the body is signed.</summary>
    public string? Payload { get; init; }

    public Dictionary<string, string> Headers { get; init; } = [];

    public bool Presigned { get; init; }

    public DateTimeOffset Time { get; init; } = DateTimeOffset.UtcNow;

    public int Expires { get; init; } = 300;

    /// <summary>Bytes of a chunk, where <see cref="Payload"/> says that there are some.</summary>
    public int Chunk { get; init; } = 64 * 1024;

    /// <summary>Changes the request after it was signed.</summary>
    public Action<HttpRequestMessage>? Tamper { get; init; }

    /// <summary>Changes the framed body after it was signed.</summary>
    public Action<byte[]>? TamperBody { get; init; }

    public AwsCall Json(string action, string body = "{}") => this with
    {
        Method = HttpMethod.Post,
        Body = Encoding.UTF8.GetBytes(body),
        ContentType = "application/x-amz-json-1.0",
        Headers = new(Headers) { ["X-Amz-Target"] = action },
    };

    public AwsCall Form(string body) => this with { Method = HttpMethod.Post, Body = Encoding.ASCII.GetBytes(body), ContentType = "application/x-www-form-urlencoded; charset=utf-8" };

    public HttpRequestMessage Sign()
    {
        var time = Time.UtcDateTime.ToString(SigV4.TimeFormat, CultureInfo.InvariantCulture);
        var scope = new AwsCredentialScope(time[..8], Region, Service);
        var key = SigV4.DeriveKey(Encoding.ASCII.GetBytes(SecretKey), scope);
        var headers = new SortedDictionary<string, string>(Headers.ToDictionary(pair => pair.Key.ToLowerInvariant(), pair => pair.Value), StringComparer.Ordinal) { ["host"] = Host };
        if (ContentType is not null) headers["content-type"] = ContentType;
        if (Payload is not null) headers["x-amz-content-sha256"] = Payload;
        if (!Presigned) headers["x-amz-date"] = time;
        var target = Target;
        if (Presigned)
            target += $"{(target.Contains('?', StringComparison.Ordinal) ? '&' : '?')}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={Uri.EscapeDataString($"{KeyId}/{scope}")}&X-Amz-Date={time}&X-Amz-Expires={Expires}&X-Amz-SignedHeaders={Uri.EscapeDataString(string.Join(';', headers.Keys))}";
        var parts = target.Split('?', 2);
        var payload = Payload ?? (Presigned && Service == "s3" ? "UNSIGNED-PAYLOAD" : SigV4.HashOf(Body));
        var signature = SigV4.Sign(key, SigV4.StringToSign(time, scope, CanonicalRequest.Write(Method.Method, Service, parts[0], CanonicalRequest.Query(parts.Length > 1 ? parts[1] : ""), [.. headers], payload)));
        var request = new HttpRequestMessage(Method, new Uri($"https://{Host}{target}{(Presigned ? "&X-Amz-Signature=" + signature : "")}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        var body = payload.StartsWith("STREAMING-", StringComparison.Ordinal) ? Frame(key, time, scope, signature, payload) : Body;
        TamperBody?.Invoke(body);
        if (body.Length > 0 || ContentType is not null) request.Content = new ByteArrayContent(body);
        foreach (var (name, value) in headers.Where(header => header.Key != "host"))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        if (!Presigned) request.Headers.TryAddWithoutValidation("Authorization", $"AWS4-HMAC-SHA256 Credential={KeyId}/{scope}, SignedHeaders={string.Join(';', headers.Keys)}, Signature={signature}");
        Tamper?.Invoke(request);
        return request;
    }

    private byte[] Frame(byte[] key, string time, AwsCredentialScope scope, string seed, string payload)
    {
        var (framed, last, isSigned) = (new MemoryStream(), seed, !payload.Contains("UNSIGNED", StringComparison.Ordinal));
        for (var at = 0; ; at += Chunk)
        {
            var data = Body.AsSpan(Math.Min(at, Body.Length), Math.Clamp(Body.Length - at, 0, Chunk));
            last = SigV4.Sign(key, $"AWS4-HMAC-SHA256-PAYLOAD\n{time}\n{scope}\n{last}\n{SigV4.EmptyHash}\n{SigV4.HashOf(data)}");
            framed.Write(Encoding.ASCII.GetBytes($"{data.Length:x}{(isSigned ? ";chunk-signature=" + last : "")}\r\n"));
            framed.Write(data);
            if (data.Length == 0) break;
            framed.Write("\r\n"u8);
        }
        if (payload.EndsWith("-TRAILER", StringComparison.Ordinal))
        {
            framed.Write("x-amz-checksum-crc32:AAAAAA==\r\n"u8);
            if (isSigned)
                framed.Write(Encoding.ASCII.GetBytes($"x-amz-trailer-signature:{SigV4.Sign(key, $"AWS4-HMAC-SHA256-TRAILER\n{time}\n{scope}\n{last}\n{SigV4.HashOf("x-amz-checksum-crc32:AAAAAA==\n"u8)}")}\r\n"));
        }
        framed.Write("\r\n"u8);
        return framed.ToArray();
    }
}
