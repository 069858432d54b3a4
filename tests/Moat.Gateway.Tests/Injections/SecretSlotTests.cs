using System.Net;
using System.Text;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Gateway.Tests;

/// <summary>A secret that is bound to a host, but to no header: replaced in the headers that services read credentials from.</summary>
public sealed class SecretSlotTests
{
    [Theory]
    [InlineData("Authorization", "Bearer {P}", "Bearer {S}")]
    [InlineData("Authorization", "{P}", "{S}")]
    [InlineData("Authorization", "Basic user:{P}", "Basic user:{S}")]
    [InlineData("Authorization", "Basic {P}:", "Basic {S}:")]
    [InlineData("X-Api-Key", "{P}", "{S}")]
    [InlineData("PRIVATE-TOKEN", "{P}", "{S}")]
    [InlineData("X-Api-Key", "x{P}", "x{P}")]
    [InlineData("X-Api-Key", "{P}x", "{P}x")]
    [InlineData("X-Api-Key", "key={P}", "key={P}")]
    [InlineData("User-Agent", "{P}", "{P}")]
    [InlineData("Referer", "{P}", "{P}")]
    [InlineData("Cookie", "{P}", "{P}")]
    [InlineData("X-Forwarded-For", "{P}", "{P}")]
    [InlineData("X-Request-Id", "{P}", "{P}")]
    [InlineData("Accept-Language", "{P}", "{P}")]
    [InlineData("If-None-Match", "{P}", "{P}")]
    public async Task It_is_replaced_where_a_service_expects_a_credential(string header, string sent, string expected)
    {
        await using var scene = await StartAsync();
        using var response = await SendAsync(scene, Scene.Api, header, sent);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Fill(scene, expected), Assert.Single(scene.Upstream.Seen).Headers[header]);
    }

    [Fact]
    public async Task It_stays_inert_in_path_query_and_body_and_at_any_other_host_or_port()
    {
        var body = "";
        await using var scene = await StartAsync(async context => body = await new StreamReader(context.Request.Body).ReadToEndAsync());
        using var other = await SendAsync(scene, Scene.Plain, "Authorization", "Bearer {P}");
        using var client = scene.Client();
        using var content = new StringContent(Fill(scene, "{\"token\":\"{P}\"}"), Encoding.ASCII, "application/json");
        using var posted = await client.PostAsync(new Uri(Fill(scene, $"https://{Scene.Api}/{{P}}?key={{P}}")), content);
        var seen = scene.Upstream.Seen.ToArray();
        Assert.Equal(Fill(scene, "Bearer {P}"), seen[0].Headers["Authorization"]);
        Assert.Equal(Fill(scene, "/{P}?key={P}"), seen[1].Target);
        Assert.Equal(Fill(scene, "{\"token\":\"{P}\"}"), body);
        Assert.DoesNotContain(seen[1].Headers.Values, value => value.Contains(Secret(scene), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_without_it_goes_out_as_it_came()
    {
        await using var scene = await StartAsync();
        using var response = await SendAsync(scene, Scene.Api, "Authorization", "Bearer mine");
        Assert.Equal("Bearer mine", Assert.Single(scene.Upstream.Seen).Headers["Authorization"]);
    }

    private static Task<Scene> StartAsync(Microsoft.AspNetCore.Http.RequestDelegate? handle = null) => Scene.StartAsync(handle ?? (_ => Task.CompletedTask), new SceneOptions
    {
        Grants = [],
        Extra = [SecretGrants.Unlock(new SecretSpec("KEY", "env://X") { Hosts = [Scene.Api] }, Credentials.Secret.FromText(TestGrants.NewToken()), new byte[32])],
    });

    private static string Secret(Scene scene) => Encoding.ASCII.GetString(scene.Grants.Unlocked[0].Secret.Reveal());

    private static string Fill(Scene scene, string text)
    {
        text = text.Replace("{P}", scene.Grants.Unlocked[0].Placeholder, StringComparison.Ordinal).Replace("{S}", Secret(scene), StringComparison.Ordinal);
        return text.StartsWith("Basic ", StringComparison.Ordinal) ? "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes(text[6..])) : text;
    }

    private static async Task<HttpResponseMessage> SendAsync(Scene scene, string host, string header, string value)
    {
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{host}/"));
        request.Headers.TryAddWithoutValidation(header, Fill(scene, value));
        return await client.SendAsync(request);
    }
}
