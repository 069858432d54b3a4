using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Moat.Gateway.Doors;

/// <summary>
/// Takes Kestrel's own registrations (<c>UseKestrelCore</c>) into a service collection. They are written against a host
/// builder, and some are internal (its metrics, which <c>UseHttps</c> insists on), but a host is what the gateway has no
/// time for: it starts with every run.
/// </summary>
internal sealed class KestrelServices(IServiceCollection services) : IWebHostBuilder
{
    private readonly WebHostBuilderContext _context = new();

    public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
    {
        configureServices(services);
        return this;
    }

    public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices)
    {
        configureServices(_context, services);
        return this;
    }

    public string? GetSetting(string key) => null;

    public IWebHostBuilder UseSetting(string key, string? value) => this;

    public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => this;

#pragma warning disable ASPDEPR008 // the interface has it still
    public IWebHost Build() => throw new NotSupportedException("there is no host");
#pragma warning restore ASPDEPR008
}
