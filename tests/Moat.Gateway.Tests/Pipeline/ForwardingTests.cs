using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

public sealed class ForwardingTests
{
    [Theory]
    [InlineData(true, "1.1")]
    [InlineData(true, "2.0")]
    [InlineData(false, "1.1")]
    [InlineData(false, "2.0")]
    public async Task A_request_reaches_its_upstream_with_the_credential_and_leaves_intent_and_outcome(bool proxy, string version)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("hello"));
        using var client = scene.Client(proxy, Version.Parse(version));
        Assert.Equal("hello", await client.GetStringAsync(new Uri($"https://{Scene.Api}/path?q=1")));

        Assert.True(scene.Upstream.Seen.TryDequeue(out var seen));
        Assert.Equal(Scene.Api, seen.Host);
        Assert.Equal("/path?q=1", seen.Target);
        Assert.Equal("HTTP/2", seen.Protocol);
        Assert.Equal($"Bearer {scene.Secret}", seen.Headers["Authorization"]);

        var records = await scene.RecordsAsync();
        Assert.Equal(["request.intent", "request.outcome"], records.Take(2).Select(record => record.Type));
        Assert.DoesNotContain(scene.Secret, await scene.LogTextAsync(), StringComparison.Ordinal);
    }
}
