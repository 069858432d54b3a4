using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;

namespace Moat.Gateway.Databases;

/// <summary>
/// Bytes both ways after the login, in two buffers and no more. The client's pass its protocol's filter; the server's
/// lose the run's secrets, without a change of length, and are held back at most to the end of their frame.
/// </summary>
internal sealed class DatabaseRelay(DatabaseLink link, FrameScanner answers, CommandFilter? commands)
{
    private const int BufferLength = 64 * 1024;

    /// <summary>How long one side may go on after the other ended: what was asked may still be answered.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(5);

    /// <exception cref="SessionException">A command of the client's ends the session.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var asking = CommandsAsync(ending.Token);
        var answering = AnswersAsync(ending.Token);
        var first = await Task.WhenAny(asking, answering).ConfigureAwait(false);
        if (first.IsCompletedSuccessfully && first == asking) ending.CancelAfter(s_rest);
        else await ending.CancelAsync().ConfigureAwait(false);
        await EndedAsync(answering).ConfigureAwait(false);
        await EndedAsync(asking).ConfigureAwait(false);
    }

    private static async Task EndedAsync(Task direction)
    {
        try
        {
            await direction.ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // A side went away, or the other one ended first; that is how a session ends.
        }
    }

    private async Task CommandsAsync(CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        var upstream = new ArrayBufferWriter<byte>(commands is null ? 1 : BufferLength);
        var answer = new ArrayBufferWriter<byte>();
        try
        {
            while (true)
            {
                var read = await link.Client.ReadAsync(buffer, ct).ConfigureAwait(false);
                if (read == 0) break;
                link.BytesIn += read;
                if (commands is null)
                {
                    await link.Upstream.WriteAsync(buffer.AsMemory(0, read), ct).ConfigureAwait(false);
                    continue;
                }
                upstream.ResetWrittenCount();
                answer.ResetWrittenCount();
                commands.Take(buffer.AsSpan(0, read), upstream, answer);
                if (answer.WrittenCount > 0) await link.Client.WriteAsync(answer.WrittenMemory, ct).ConfigureAwait(false);
                if (upstream.WrittenCount > 0) await link.Upstream.WriteAsync(upstream.WrittenMemory, ct).ConfigureAwait(false);
            }
            if (link.Upstream is SslStream secure) await secure.ShutdownAsync().ConfigureAwait(false);
            else if (link.Upstream is NetworkStream plain) plain.Socket.Shutdown(SocketShutdown.Send);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task AnswersAsync(CancellationToken ct)
    {
        var redactor = link.Redactor;
        var window = redactor.RentWindow();
        var buffer = ArrayPool<byte>.Shared.Rent(window.MaxHeld + BufferLength);
        try
        {
            for (var read = -1; read != 0;)
            {
                var held = window.Restore(buffer);
                read = await link.Upstream.ReadAsync(buffer.AsMemory(held), ct).ConfigureAwait(false);
                var length = Settle(buffer.AsSpan(0, held + read), held);
                if (length == 0) continue;
                await link.Client.WriteAsync(buffer.AsMemory(0, length), ct).ConfigureAwait(false);
                link.BytesOut += length;
            }
            if (link.Client is SslStream secure) await secure.ShutdownAsync().ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
            redactor.Return(window);
        }

        // What belongs to whole frames is final; of the rest, what cannot be the beginning of a secret.
        int Settle(Span<byte> bytes, int held)
        {
            if (bytes.Length == held) return window.Settle(bytes, final: true);
            var whole = answers.Advance(bytes[held..]);
            if (whole == 0) return window.Settle(bytes, final: false);
            window.Settle(bytes[..(held + whole)], final: true);
            return held + whole + window.Settle(bytes[(held + whole)..], final: false);
        }
    }
}
