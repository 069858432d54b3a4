using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// Where a browser of this machine brings the answer of an authorization server (RFC 8252 §7.3): 127.0.0.1 alone, a random
/// port, one answer. What does not hold the state of this login is turned away and waited past, so that no page that
/// guesses the port can end or take over the login.
/// </summary>
internal sealed class LoopbackRedirect : IDisposable
{
    private const int Attempts = 50, FirstPort = 49152, EndPort = 65536;
    private const string Path = "/callback";
    private readonly HttpListener _listener;

    private LoopbackRedirect(HttpListener listener, int port)
    {
        _listener = listener;
        Authority = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        Address = new Uri($"http://{Authority}{Path}");
    }

    /// <summary>The redirect address.</summary>
    internal Uri Address { get; }

    private string Authority { get; }

    /// <exception cref="MoatException">No port is free.</exception>
    internal static LoopbackRedirect Start()
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(FirstPort, EndPort);
            var listener = new HttpListener { IgnoreWriteExceptions = true };
            listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
            try
            {
                listener.Start();
                return new LoopbackRedirect(listener, port);
            }
            catch (HttpListenerException)
            {
                // The port is somebody else's.
                listener.Close();
            }
        }
        throw new MoatException("no port of 127.0.0.1 is free for the browser's answer", "log in with a code instead: --device");
    }

    /// <summary>The parameters of the first answer that holds the state.</summary>
    internal async Task<ImmutableDictionary<string, string>> WaitAsync(string state, CancellationToken ct)
    {
        using var stop = ct.Register(_listener.Abort);
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync().ConfigureAwait(false);
            }
            catch (Exception ex) when (ct.IsCancellationRequested && ex is HttpListenerException or ObjectDisposedException)
            {
                throw new OperationCanceledException(ct);
            }
            var parameters = Read(context.Request);
            var isOurs = parameters is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(parameters.GetValueOrDefault("state", "")), Encoding.UTF8.GetBytes(state));
            await AnswerAsync(context.Response, isOurs).ConfigureAwait(false);
            if (isOurs) return parameters!;
        }
    }

    public void Dispose() => _listener.Close();

    /// <summary>Null for what is no answer: another path, method or host (a name that somebody points at 127.0.0.1), a parameter that is there twice.</summary>
    private ImmutableDictionary<string, string>? Read(HttpListenerRequest request)
    {
        if (request.HttpMethod != "GET" || request.Url?.AbsolutePath != Path || request.UserHostName != Authority) return null;
        var found = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in request.Url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) return null;
            if (!found.TryAdd(WebUtility.UrlDecode(pair[..equals]), WebUtility.UrlDecode(pair[(equals + 1)..]))) return null;
        }
        return found.ToImmutable();
    }

    private static async Task AnswerAsync(HttpListenerResponse response, bool isOurs)
    {
        response.StatusCode = isOurs ? 200 : 400;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers["Cache-Control"] = "no-store";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["X-Content-Type-Options"] = "nosniff";
        response.KeepAlive = false;
        // Nothing of the request is in it.
        var text = isOurs ? "Moat has the answer. You can close this page and go back to the terminal.\n"u8.ToArray() : "This is no answer that Moat waits for.\n"u8.ToArray();
        try
        {
            await response.OutputStream.WriteAsync(text).ConfigureAwait(false);
            response.Close();
        }
        catch (Exception ex) when (ex is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The browser left; what it brought counts all the same.
        }
    }
}
