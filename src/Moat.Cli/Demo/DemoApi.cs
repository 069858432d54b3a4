using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Moat.Cli.Demo;

/// <summary>The stand-in for a real service: an HTTPS API on loopback that wants a bearer token.</summary>
internal sealed class DemoApi : IAsyncDisposable
{
    public const string Host = "api.demo.test";
    private readonly WebApplication _app;

    private DemoApi(WebApplication app, string authorityPem)
    {
        _app = app;
        AuthorityPem = authorityPem;
    }

    public string AuthorityPem { get; }

    public int Port { get; private set; }

    /// <summary>The Authorization headers that arrived.</summary>
    public ConcurrentQueue<string> Seen { get; } = new();

    public static async Task<DemoApi> StartAsync(string secret, CancellationToken ct)
    {
        var (pem, certificate) = DemoAuthority.Issue(Host);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var api = new DemoApi(builder.Build(), pem);
        api._app.Run(async context =>
        {
            var header = context.Request.Headers.Authorization.ToString();
            api.Seen.Enqueue(header);
            var known = header == "Bearer " + secret;
            context.Response.StatusCode = known ? 200 : 401;
            await context.Response.WriteAsync(known ? "hello, authorised caller\n" : "who are you?\n", context.RequestAborted).ConfigureAwait(false);
        });
        await api._app.StartAsync(ct).ConfigureAwait(false);
        var address = api._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        api.Port = new Uri(address).Port;
        return api;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
