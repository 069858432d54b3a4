using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Moat.Bench;

/// <summary>Whom to ask, and through whom.</summary>
internal sealed record Target(IPEndPoint? Proxy, IPEndPoint Upstream, string Host)
{
    public string Authority => Host + ":" + Upstream.Port.ToString(CultureInfo.InvariantCulture);
}

internal sealed record Figures(double PerSecond, double P50Microseconds, double P99Microseconds, int Requests);

/// <summary>
/// The one client of every comparison: HTTP/1.1 over TLS, through CONNECT or direct, with as little work of its own as
/// a client can have, so that what differs is the proxy.
/// </summary>
internal static class LoadClient
{
    /// <summary>Keep-alive GETs on <paramref name="connections"/> connections for a time; the first fifth is warm-up.</summary>
    public static async Task<Figures> GetAsync(Target target, string path, int connections, TimeSpan time)
    {
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
        var clock = Stopwatch.StartNew();
        var warm = time / 5;
        var samples = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            var mine = new List<double>(1 << 14);
            await using var stream = await OpenAsync(target);
            var buffer = new byte[65536];
            while (clock.Elapsed < time)
            {
                var start = Stopwatch.GetTimestamp();
                await stream.WriteAsync(request);
                await ReadResponseAsync(stream, buffer);
                if (clock.Elapsed > warm) mine.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }

            return mine;
        })));
        var all = samples.SelectMany(s => s).Order().ToArray();
        return new Figures(all.Length / (time - warm).TotalSeconds, all[all.Length / 2], all[all.Length * 99 / 100], all.Length);
    }

    /// <summary>A new connection (TCP, CONNECT, TLS) for each GET, one after another on <paramref name="workers"/> workers.</summary>
    public static async Task<Figures> NewConnectionsAsync(Target target, string path, int workers, TimeSpan time)
    {
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\nConnection: close\r\n\r\n");
        var clock = Stopwatch.StartNew();
        var samples = await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            var mine = new List<double>();
            var buffer = new byte[65536];
            while (clock.Elapsed < time)
            {
                var start = Stopwatch.GetTimestamp();
                await using var stream = await OpenAsync(target);
                await stream.WriteAsync(request);
                await ReadResponseAsync(stream, buffer);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }

            return mine;
        })));
        var all = samples.SelectMany(s => s).Order().ToArray();
        return new Figures(all.Length / time.TotalSeconds, all[all.Length / 2], all[all.Length * 99 / 100], all.Length);
    }

    /// <summary>MiB a second of one download.</summary>
    public static async Task<double> DownloadAsync(Target target, string path)
    {
        await using var stream = await OpenAsync(target, wide: true);
        var start = Stopwatch.GetTimestamp();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\nConnection: close\r\n\r\n"));
        await stream.FlushAsync();
        var length = await ReadResponseAsync(stream, new byte[1 << 18]);
        return length / 1048576.0 / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>MiB a second of one upload.</summary>
    public static async Task<double> UploadAsync(Target target, string path, long bytes)
    {
        await using var stream = await OpenAsync(target, wide: true);
        var start = Stopwatch.GetTimestamp();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {target.Authority}\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n"));
        var chunk = new byte[1 << 18];
        for (long sent = 0; sent < bytes; sent += chunk.Length) await stream.WriteAsync(chunk.AsMemory(0, (int)Math.Min(chunk.Length, bytes - sent)));
        await stream.FlushAsync();
        await ReadResponseAsync(stream, new byte[65536]);
        return bytes / 1048576.0 / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Microseconds from the request to the first body byte of a stream that then stays open; NaN when none came within two seconds.</summary>
    public static async Task<double> FirstByteAsync(Target target, string path)
    {
        await using var stream = await OpenAsync(target);
        var start = Stopwatch.GetTimestamp();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\nAccept: text/event-stream\r\n\r\n"));
        var buffer = new byte[65536];
        var filled = 0;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            while (buffer.AsSpan(0, filled).IndexOf("data: first"u8) < 0)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(filled), limit.Token);
                if (read == 0) return double.NaN;
                filled += read;
            }
        }
        catch (OperationCanceledException)
        {
            return double.NaN;
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static async Task<SslStream> OpenAsync(Target target, bool wide = false)
    {
        var to = target.Proxy ?? target.Upstream;
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(to);
        var network = new NetworkStream(socket, ownsSocket: true);
        if (target.Proxy is not null)
        {
            await network.WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {target.Authority} HTTP/1.1\r\nHost: {target.Authority}\r\n\r\n"));
            var answer = new byte[4096];
            var filled = 0;
            while (answer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) < 0)
            {
                var read = await network.ReadAsync(answer.AsMemory(filled));
                if (read == 0) throw new IOException("the proxy closed the tunnel: " + Encoding.ASCII.GetString(answer, 0, filled));
                filled += read;
            }

            if (!answer.AsSpan(8).StartsWith(" 200"u8)) throw new IOException("CONNECT: " + Encoding.ASCII.GetString(answer, 0, filled));
        }

        // Any certificate will do as long as there is one: each proxy has a CA of its own, and trust is not what is measured.
        var tls = new SslStream(wide ? new WideStream(network) : network, false, (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = target.Host, EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 });
        return tls;
    }

    private static async Task<long> ReadResponseAsync(SslStream stream, byte[] buffer)
    {
        var filled = 0;
        int end;
        while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(filled));
            if (read == 0) throw new IOException("the connection closed in a header");
            filled += read;
        }

        var head = buffer.AsSpan(0, end);
        if (!head[8..].StartsWith(" 200"u8)) throw new IOException(Encoding.ASCII.GetString(head));
        var at = Ascii.ToLowerInPlace(head, out _) == System.Buffers.OperationStatus.Done ? head.IndexOf("content-length:"u8) : -1;
        if (at < 0) return await ReadChunkedAsync(stream, buffer, end + 4, filled);
        var value = head[(at + 15)..].TrimStart((byte)' ');
        if (!Utf8Parser.TryParse(value, out long length, out _)) throw new IOException("an unreadable length");
        var left = length - (filled - end - 4);
        while (left > 0)
        {
            var read = await stream.ReadAsync(buffer);
            if (read == 0) throw new IOException("the connection closed in a body");
            left -= read;
        }

        return length;
    }

    /// <summary>A chunked body, read to its last chunk; counted with its framing, which is below one part in a thousand.</summary>
    private static async Task<long> ReadChunkedAsync(SslStream stream, byte[] buffer, int from, int filled)
    {
        long total = filled - from;
        var tail = new byte[5];
        Keep(buffer.AsSpan(from, filled - from), tail);
        while (!tail.AsSpan().SequenceEqual("0\r\n\r\n"u8))
        {
            var read = await stream.ReadAsync(buffer);
            if (read == 0) break;
            total += read;
            Keep(buffer.AsSpan(0, read), tail);
        }

        return total;

        static void Keep(ReadOnlySpan<byte> data, byte[] tail)
        {
            if (data.Length >= 5)
            {
                data[^5..].CopyTo(tail);
                return;
            }

            tail.AsSpan(data.Length).CopyTo(tail);
            data.CopyTo(tail.AsSpan(5 - data.Length));
        }
    }
}
