using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Moat.Credentials.Tests;

/// <summary>
/// A resource (<c>https://mcp.example.org/team/mcp</c>) and its authorization server (<c>https://login.example.org/t1</c>)
/// by their RFCs: 9728, 8414, 7591, 6749 with 7636, 8628. What is wrong, missing or doubled in a request is refused. The
/// person's browser is <see cref="BrowseAsync"/>.
/// </summary>
internal sealed class AuthorizationServer : HttpMessageHandler
{
    internal const string Resource = "https://mcp.example.org/team/mcp", Issuer = "https://login.example.org/t1";
    private string _challenge = "", _redirect = "", _code = "";

    internal Dictionary<string, JsonNode?> Metadata { get; } = new()
    {
        ["issuer"] = Issuer,
        ["authorization_endpoint"] = "https://login.example.org/t1/authorize?tenant=1",
        ["token_endpoint"] = "https://login.example.org/t1/token",
        ["registration_endpoint"] = "https://login.example.org/t1/register",
        ["device_authorization_endpoint"] = "https://login.example.org/t1/device",
        ["code_challenge_methods_supported"] = new JsonArray("S256"),
        ["authorization_response_iss_parameter_supported"] = true,
    };

    internal Dictionary<string, JsonNode?> ResourceMetadata { get; } = new() { ["resource"] = Resource, ["authorization_servers"] = new JsonArray(Issuer) };

    internal string? Challenge { get; set; } = "Bearer realm=\"x, y\", resource_metadata=\"https://mcp.example.org/.well-known/oauth-protected-resource/team/mcp\"";

    /// <summary>Answers of the token endpoint that come before a token.</summary>
    internal Queue<string> Errors { get; } = new();

    internal string? ClientSecret { get; set; }

    internal string TokenType { get; set; } = "Bearer";

    internal ConcurrentQueue<string> Asked { get; } = new();

    internal string Access { get; private set; } = "";

    internal string Refresh { get; private set; } = "";

    internal JsonObject? Registration { get; private set; }

    internal string AuthorizationQuery { get; private set; } = "";

    internal Dictionary<string, string> LastForm { get; private set; } = [];

    internal string? LastBasic { get; private set; }

    /// <summary>What the server sends the browser back with; null stands for a parameter left out.</summary>
    internal Dictionary<string, string?> Return { get; } = new() { ["iss"] = Issuer };

    /// <summary>The browser opens the page, agrees, and is sent to the redirect address. The status of the answer there.</summary>
    internal async Task<HttpStatusCode> BrowseAsync(Uri page)
    {
        AuthorizationQuery = page.Query;
        var query = Form(page.Query[1..]);
        (_redirect, _challenge, _code) = (query["redirect_uri"], query["code_challenge"], TestFolder.NewToken("code_"));
        Assert.Equal("127.0.0.1", new Uri(_redirect).Host);
        var back = new Dictionary<string, string?>(Return);
        back.TryAdd("code", _code);
        back.TryAdd("state", query["state"]);
        return await GetAsync($"{_redirect}?{string.Join('&', back.Where(pair => pair.Value is not null).Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value!)}"))}");
    }

    internal static async Task<HttpStatusCode> GetAsync(string url, string? host = null, HttpMethod? method = null)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, url);
        if (host is not null) request.Headers.Host = host;
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var url = request.RequestUri!.AbsoluteUri;
        Asked.Enqueue($"{request.Method} {url}");
        LastBasic = request.Headers.Authorization?.Parameter;
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        switch (request.Method.Method, url)
        {
            case ("GET", Resource):
                var refused = new HttpResponseMessage(HttpStatusCode.Unauthorized);
                if (Challenge is not null) refused.Headers.TryAddWithoutValidation("WWW-Authenticate", Challenge);
                return refused;
            case ("GET", "https://mcp.example.org/.well-known/oauth-protected-resource/team/mcp"):
                return Json(new JsonObject(ResourceMetadata.Select(Clone)));
            case ("GET", "https://login.example.org/.well-known/oauth-authorization-server/t1"):
                return Json(new JsonObject(Metadata.Select(Clone)));
            case ("POST", "https://login.example.org/t1/register"):
                Registration = JsonNode.Parse(body)!.AsObject();
                var client = new JsonObject { ["client_id"] = "client-7", ["token_endpoint_auth_method"] = "none" };
                if (ClientSecret is not null) (client["client_secret"], client["token_endpoint_auth_method"]) = (ClientSecret, "client_secret_basic");
                return Json(client, HttpStatusCode.Created);
            case ("POST", "https://login.example.org/t1/device"):
                LastForm = Form(body);
                return Json(new JsonObject { ["device_code"] = "device-1", ["user_code"] = "WDJB-MJHT", ["verification_uri"] = "https://login.example.org/device", ["expires_in"] = 60, ["interval"] = 7 });
            case ("POST", "https://login.example.org/t1/token"):
                return Token(body);
            default:
                return new HttpResponseMessage(HttpStatusCode.NotFound);
        }
    }

    private HttpResponseMessage Token(string body)
    {
        LastForm = Form(body);
        if (Errors.TryDequeue(out var error)) return Json(new JsonObject { ["error"] = error }, HttpStatusCode.BadRequest);
        var expected = LastForm["grant_type"] switch
        {
            "authorization_code" => new Dictionary<string, string> { ["code"] = _code, ["redirect_uri"] = _redirect },
            "refresh_token" => new Dictionary<string, string> { ["refresh_token"] = Refresh },
            _ => new Dictionary<string, string> { ["device_code"] = "device-1" },
        };
        expected["grant_type"] = LastForm["grant_type"];
        expected["resource"] = Resource;
        if (ClientSecret is null) expected["client_id"] = "client-7";
        var given = new Dictionary<string, string>(LastForm);
        var isProven = !given.Remove("code_verifier", out var verifier)
            ? LastForm["grant_type"] != "authorization_code"
            : Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))).TrimEnd('=').Replace('+', '-').Replace('/', '_') == _challenge;
        var isClient = ClientSecret is null ? LastBasic is null : LastBasic == Convert.ToBase64String(Encoding.ASCII.GetBytes($"client-7:{ClientSecret}"));
        if (!isProven || !isClient || given.Count != expected.Count || expected.Any(pair => given.GetValueOrDefault(pair.Key) != pair.Value)) return Json(new JsonObject { ["error"] = "invalid_grant" }, HttpStatusCode.BadRequest);
        _code = "spent";
        (Access, Refresh) = (TestFolder.NewToken("at_"), TestFolder.NewToken("rt_"));
        return Json(new JsonObject { ["access_token"] = Access, ["token_type"] = TokenType, ["expires_in"] = 3600, ["refresh_token"] = Refresh });
    }

    private static KeyValuePair<string, JsonNode?> Clone(KeyValuePair<string, JsonNode?> pair) => new(pair.Key, pair.Value?.DeepClone());

    // A field that is there twice ends the test.
    private static Dictionary<string, string> Form(string text) => text.Split('&').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));

    private static HttpResponseMessage Json(JsonObject json, HttpStatusCode status = HttpStatusCode.OK) => new(status) { Content = new StringContent(json.ToJsonString(), Encoding.UTF8, "application/json") };
}
