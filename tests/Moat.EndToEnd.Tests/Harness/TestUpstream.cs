using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>A real HTTPS server on loopback that stands for somebody's API and remembers each request that reached it.</summary>
internal sealed class TestUpstream : IAsyncDisposable
{
    private readonly WebApplication app;

    private TestUpstream(WebApplication app, int port)
    {
        this.app = app;
        Port = port;
    }

    public int Port { get; }

    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    /// <summary>Serves git's smart protocol when set: the folder that holds bare repositories.</summary>
    public string? GitRoot { get; set; }

    /// <summary>A test's own behaviour of the upstream; false where it leaves the answer to the usual ones.</summary>
    public Func<HttpContext, Task<bool>>? Answer { get; set; }

    public static async Task<TestUpstream> StartAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;
            o.Listen(IPAddress.Loopback, 0, l => { l.Protocols = HttpProtocols.Http1AndHttp2; l.UseHttps(certificate); });
        });
        var app = builder.Build();
        TestUpstream? self = null;
        app.UseWebSockets();
        app.Run(context => self!.HandleAsync(context));
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        self = new TestUpstream(app, new Uri(address).Port);
        return self;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private static async Task HelloAsync(HttpContext context)
    {
        if (context.Request.Path != "/unread") await context.Request.Body.CopyToAsync(Stream.Null);
        await context.Response.WriteAsync("hello from " + context.Request.Host + "\n");
    }

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        Seen.Enqueue(new SeenRequest(request.Protocol, request.Method, request.Host.Value ?? "", request.Path + request.QueryString,
            request.Headers.Select(h => new KeyValuePair<string, string[]>(h.Key, [.. h.Value.Select(v => v ?? "")])).ToArray()));
        if (Answer is { } answer && await answer(context)) return;
        var authorization = request.Headers.Authorization.ToString();
        switch (request.Path.Value)
        {
            case "/whoami":
                await context.Response.WriteAsync(authorization.Length == 0 ? "anonymous\n" : "authorised by a header of " + authorization.Length + " characters\n");
                break;
            case "/reflect":
                // What a debugging endpoint of a real API does: says back all that it got.
                context.Response.Headers.Location = "https://elsewhere.example/?t=" + Uri.EscapeDataString(authorization);
                context.Response.Headers.SetCookie = "session=" + Convert.ToBase64String(Encoding.UTF8.GetBytes(authorization));
                await context.Response.WriteAsync(JsonSerializer.Serialize(request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString())));
                break;
            case "/reflect-gzip":
                context.Response.Headers.ContentEncoding = "gzip";
                await using (var gzip = new GZipStream(context.Response.Body, CompressionLevel.Fastest))
                    await gzip.WriteAsync(Encoding.UTF8.GetBytes("you sent " + authorization));
                break;
            case "/sse":
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: first\n\n");
                await context.Response.Body.FlushAsync();
                await context.Response.WriteAsync("data: last\n\n");
                break;
            case "/ws":
                using (var socket = await context.WebSockets.AcceptWebSocketAsync())
                {
                    var buffer = new byte[4096];
                    var got = await socket.ReceiveAsync(buffer, context.RequestAborted);
                    await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, true, context.RequestAborted);
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                }

                break;
            case "/download":
                var left = long.Parse(request.Query["bytes"].ToString(), System.Globalization.CultureInfo.InvariantCulture);
                var block = new byte[65536];
                for (; left > 0; left -= block.Length) await context.Response.Body.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)));
                break;
            case "/upload":
                long total = 0;
                var chunk = new byte[65536];
                int read;
                while ((read = await request.Body.ReadAsync(chunk)) > 0) total += read;
                await context.Response.WriteAsync(total.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            case "/redirect":
                context.Response.Redirect(request.Query["to"].ToString());
                break;
            default:
                if (GitRoot is not null && request.Path.Value!.StartsWith("/git/", StringComparison.Ordinal)) await GitHttpBackend.ServeAsync(context, GitRoot);
                else await HelloAsync(context);
                break;
        }
    }
}

internal sealed record SeenRequest(string Protocol, string Method, string Host, string Target, KeyValuePair<string, string[]>[] Headers)
{
    public string[] Header(string name) =>
        [.. Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).SelectMany(h => h.Value)];
}
