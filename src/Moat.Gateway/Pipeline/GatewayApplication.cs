using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace Moat.Gateway.Pipeline;

/// <summary>Kestrel's view of the gateway: requests in, without the host's scopes, logs and middleware.</summary>
internal sealed class GatewayApplication(RequestPipeline pipeline) : IHttpApplication<Exchange>
{
    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        // Kestrel's own collection carries the exchange from one request to the next on a connection or stream slot.
        Exchange exchange;
        if (contextFeatures is IHostContextContainer<Exchange> container)
            exchange = container.HostContext ??= new Exchange();
        else
            exchange = new Exchange();
        exchange.Http.Initialize(contextFeatures);
        exchange.Start();
        return exchange;
    }

    public Task ProcessRequestAsync(Exchange context) => pipeline.ProcessAsync(context);

    public void DisposeContext(Exchange context, Exception? exception) => context.Reset();
}
