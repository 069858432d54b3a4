using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials.Tests;

/// <summary>
/// A token endpoint on loopback that rotates refresh tokens as vendors do: each is good once, and a second use of one is
/// <c>invalid_grant</c>. What is wrong, missing or doubled in a request is refused too.
/// </summary>
internal sealed class TokenServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _loop;
    private readonly bool _json;

    internal TokenServer(bool json = false)
    {
        _json = json;
        _listener.Start();
        _loop = ServeAsync();
    }

    internal string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/token";

    internal string Refresh { get; set; } = TestFolder.NewToken("rt_");

    internal string Access { get; private set; } = "";

    internal string ClientSecret { get; init; } = "";

    /// <summary>An answer in place of the usual one.</summary>
    internal string? Answer { get; set; }

    internal int Lifetime { get; set; } = 3600;

    internal int Renewals { get; private set; }

    internal int Requests { get; private set; }

    /// <summary>Done when a request has come; the answer waits for <see cref="Gate"/>.</summary>
    internal TaskCompletionSource Arrived { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task Gate { get; set; } = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _loop;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var stream = client.GetStream();
                var body = await ReadAsync(stream);
                Requests++;
                Arrived.TrySetResult();
                await Gate;
                var (status, json) = Judge(body);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer ?? $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\nConnection: close\r\n\r\n{json}"));
            }
        }
        catch (Exception ex) when (ex is SocketException or InvalidOperationException)
        {
            // The listener was closed: the end.
        }
    }

    private (string Status, string Json) Judge(string body)
    {
        var fields = _json
            ? JsonDocument.Parse(body).RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.GetString()!)
            : body.Split('&').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
        var expected = new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["refresh_token"] = Refresh, ["client_id"] = "the-client" };
        if (ClientSecret.Length > 0) expected["client_secret"] = ClientSecret;
        if (fields.Count != expected.Count || expected.Any(pair => fields.GetValueOrDefault(pair.Key) != pair.Value)) return ("400 Bad Request", """{"error":"invalid_grant","error_description":"no"}""");
        Renewals++;
        (Access, Refresh) = (TestFolder.NewToken("at_"), TestFolder.NewToken("rt_"));
        return ("200 OK", $$"""{"token_type":"Bearer","access_token":"{{Access}}","expires_in":{{Lifetime}},"refresh_token":"{{Refresh}}","more":[{"access_token":"x"}] }""");
    }

    private static async Task<string> ReadAsync(Stream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[8192];
        while (true)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer)));
            var all = text.ToString();
            var end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) continue;
            var length = all[..end].Split("\r\n").First(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))["Content-Length: ".Length..];
            if (all.Length >= end + 4 + int.Parse(length, null)) return all[(end + 4)..];
        }
    }
}
