using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>
/// AWS in small, on loopback: S3 (objects, parts, ranges), STS and DynamoDB, behind a check of each request's signature. One
/// port is HTTPS, where the run's gateway goes; one is HTTP, where Moat itself asks STS for a role's session.
/// </summary>
internal sealed class AwsStandIn : IAsyncDisposable
{
    public const string Bucket = "moat-bucket", Region = "eu-west-1", Role = "arn:aws:iam::123456789012:role/agent";

    public static readonly string[] Hosts = [$"s3.{Region}.amazonaws.com", $"{Bucket}.s3.{Region}.amazonaws.com", $"sts.{Region}.amazonaws.com", $"dynamodb.{Region}.amazonaws.com", "dynamodb.us-east-1.amazonaws.com"];

    private readonly WebApplication app;
    private readonly ConcurrentDictionary<string, byte[]> objects = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<int, byte[]>> uploads = new();
    private readonly AwsVerifier user, session;

    private AwsStandIn(WebApplication app)
    {
        this.app = app;
        user = new AwsVerifier(UserId, UserSecret, "");
        session = new AwsVerifier(SessionId, SessionSecret, SessionToken);
    }

    public string UserId { get; } = "AKIA" + Random(8);

    public string UserSecret { get; } = Random(20);

    public string SessionId { get; } = "ASIA" + Random(8);

    public string SessionSecret { get; } = Random(20) + "/+";

    public string SessionToken { get; } = Random(100);

    public int Https { get; private set; }

    public int Http { get; private set; }

    /// <summary>Service and operation of each request that was signed right.</summary>
    public ConcurrentQueue<string> Taken { get; } = new();

    /// <summary>Why each other request was not.</summary>
    public ConcurrentQueue<string> Refused { get; } = new();

    public IEnumerable<string> Secrets => [UserId, UserSecret, SessionId, SessionSecret, SessionToken];

    public static async Task<AwsStandIn> StartAsync(TestAuthority authority)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        var leaf = authority.Leaf(DateTimeOffset.UtcNow.AddDays(5), Hosts);
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;
            o.Listen(IPAddress.Loopback, 0, l => { l.Protocols = HttpProtocols.Http1AndHttp2; l.UseHttps(leaf); });
            o.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        var self = new AwsStandIn(app);
        app.Run(self.HandleAsync);
        await app.StartAsync();
        foreach (var address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a)))
        {
            if (address.Scheme == "https") self.Https = address.Port;
            else self.Http = address.Port;
        }

        return self;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private static string Random(int bytes) => Convert.ToHexString(RandomNumberGenerator.GetBytes(bytes));

    private async Task HandleAsync(HttpContext context)
    {
        AwsVerifier.Verified request;
        try
        {
            // Over HTTP comes Moat with the person's keys, over HTTPS the run with the role's session.
            request = await (context.Request.IsHttps ? session : user).VerifyAsync(context);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            Refused.Enqueue(e.Message);
            context.Response.StatusCode = 403;
            await context.Response.WriteAsync("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></ErrorResponse>");
            return;
        }

        await (request.Service switch
        {
            "sts" => StsAsync(context, Encoding.UTF8.GetString(request.Body)),
            "dynamodb" => DynamoAsync(context),
            _ => S3Async(context, request.Body),
        });
    }

    private async Task StsAsync(HttpContext context, string form)
    {
        if (form.Contains("Action=AssumeRole&", StringComparison.Ordinal) && form.Contains(Uri.EscapeDataString(Role), StringComparison.Ordinal))
        {
            Taken.Enqueue("sts AssumeRole");
            await context.Response.WriteAsync($"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>{SessionId}</AccessKeyId><SecretAccessKey>{SessionSecret}</SecretAccessKey><SessionToken>{SessionToken}</SessionToken><Expiration>{DateTimeOffset.UtcNow.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>");
            return;
        }

        Taken.Enqueue("sts GetCallerIdentity");
        context.Response.ContentType = "text/xml";
        // As a debugging service might: what it was asked with stands in the answer.
        await context.Response.WriteAsync($"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/agent/{SessionToken}</Arn><UserId>{SessionId}:{SessionSecret}</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    }

    private async Task DynamoAsync(HttpContext context)
    {
        Taken.Enqueue("dynamodb " + context.Request.Headers["X-Amz-Target"]);
        context.Response.ContentType = "application/x-amz-json-1.0";
        await context.Response.WriteAsync("{\"TableNames\":[\"first\",\"second\"]}");
    }

    private async Task S3Async(HttpContext context, byte[] body)
    {
        var (request, response) = (context.Request, context.Response);
        var key = request.Path.Value!;
        Taken.Enqueue($"s3 {request.Method}{(request.Headers.Range.Count > 0 ? " part" : "")}");
        if (request.Method == "POST" && request.Query.ContainsKey("uploads"))
        {
            uploads[key] = new();
            await response.WriteAsync($"<InitiateMultipartUploadResult><Bucket>{Bucket}</Bucket><Key>{key[1..]}</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>");
        }
        else if (request.Method == "PUT" && request.Query.TryGetValue("partNumber", out var part))
        {
            uploads[key][int.Parse(part.ToString(), CultureInfo.InvariantCulture)] = body;
            response.Headers.ETag = "\"part\"";
        }
        else if (request.Method == "POST")
        {
            objects[key] = [.. uploads[key].OrderBy(p => p.Key).SelectMany(p => p.Value)];
            await response.WriteAsync($"<CompleteMultipartUploadResult><Key>{key[1..]}</Key><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>");
        }
        else if (request.Method == "PUT")
        {
            objects[key] = body;
            response.Headers.ETag = "\"whole\"";
        }
        else if (objects.TryGetValue(key, out var stored))
        {
            response.Headers.ETag = "\"whole\"";
            response.Headers.LastModified = "Tue, 24 Nov 2026 10:00:00 GMT";
            response.ContentType = "application/octet-stream";
            var (from, to) = (0, stored.Length - 1);
            if (request.Headers.Range.Count > 0)
            {
                var ends = request.Headers.Range.ToString()["bytes=".Length..].Split('-');
                from = int.Parse(ends[0], CultureInfo.InvariantCulture);
                if (ends[1].Length > 0) to = Math.Min(to, int.Parse(ends[1], CultureInfo.InvariantCulture));
                response.StatusCode = 206;
                response.Headers.ContentRange = $"bytes {from}-{to}/{stored.Length}";
            }

            response.ContentLength = to - from + 1;
            if (request.Method == "GET") await response.Body.WriteAsync(stored.AsMemory(from, to - from + 1));
        }
        else
        {
            response.StatusCode = 404;
        }
    }
}
