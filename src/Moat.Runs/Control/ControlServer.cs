using System.Net.Sockets;
using System.Text;

namespace Moat.Runs;

/// <summary>
/// The supervisor's ear: a Unix socket that its own user (or root) may talk to. One line in, one line out:
/// <c>status</c> answers the phase, <c>stop SECONDS</c> ends the agent and answers when it is over.
/// </summary>
internal sealed class ControlServer : IAsyncDisposable
{
    private const int MaxRequest = 256;
    private readonly Socket _listener;
    private readonly Func<string, CancellationToken, Task<string>> _handle;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    private ControlServer(Socket listener, Func<string, CancellationToken, Task<string>> handle)
    {
        _listener = listener;
        _handle = handle;
        _serving = ServeAsync();
    }

    /// <param name="folder">The run; its folder is private, and the socket is 0600 besides.</param>
    /// <param name="handle">Answers a request; it does not throw.</param>
    public static ControlServer Start(RunFolder folder, Func<string, CancellationToken, Task<string>> handle)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using (ControlSocket.Address(folder, out var address)) listener.Bind(address);
            File.SetUnixFileMode(folder.SocketPath, RunFolder.PrivateFile);
            listener.Listen(8);
            return new ControlServer(listener, handle);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _serving.ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                var peer = await _listener.AcceptAsync(_end.Token).ConfigureAwait(false);
                open.RemoveAll(task => task.IsCompleted);
                open.Add(AnswerAsync(peer));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The run is over: the last answers go out, then nobody listens any more.
            await Task.WhenAll(open).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(Socket peer)
    {
        using (peer)
        {
            try
            {
                if (Native.PeerUser(peer) is not { } user || (user != 0 && user != Native.EffectiveUser())) return;
                var buffer = new byte[MaxRequest];
                var length = 0;
                while (buffer.AsSpan(0, length).IndexOf((byte)'\n') < 0 && length < buffer.Length)
                {
                    var read = await peer.ReceiveAsync(buffer.AsMemory(length), _end.Token).ConfigureAwait(false);
                    if (read == 0) return;
                    length += read;
                }

                var end = buffer.AsSpan(0, length).IndexOf((byte)'\n');
                if (end < 0) return;
                var answer = await _handle(Encoding.UTF8.GetString(buffer.AsSpan(0, end)), _end.Token).ConfigureAwait(false);
                await peer.SendAsync(Encoding.UTF8.GetBytes(answer + "\n")).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // The caller went away, or the run is over; neither is an event of the run.
            }
        }
    }
}
