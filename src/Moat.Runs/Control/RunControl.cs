using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>What may be asked of a run from outside its supervisor.</summary>
public static class RunControl
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Ends a live run: SIGTERM, and after the grace period SIGKILL. Returns when its last state is written.</summary>
    /// <exception cref="MoatException">The run is not live, or its supervisor does not answer.</exception>
    public static async Task StopAsync(RunEntry entry, TimeSpan grace, CancellationToken ct = default)
    {
        if (!entry.State.IsLive)
            throw new MoatException($"{entry.State.Id} is not running ({RunStore.PhaseText(entry.State.State)})", "run `moat list` for the runs there are");
        await AskAsync(entry, string.Create(CultureInfo.InvariantCulture, $"stop {(int)grace.TotalSeconds}"), ct).ConfigureAwait(false);
        // The answer says that the agent is gone; the lock says that the log is sealed and the state written.
        using var timer = new PeriodicTimer(Poll);
        while (LockFile.IsHeld(entry.Folder.LockPath)) await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Ends a run if it is live and removes what is kept of it.</summary>
    public static async Task DestroyAsync(RunEntry entry, TimeSpan grace, CancellationToken ct = default)
    {
        if (entry.State.IsLive) await StopAsync(entry, grace, ct).ConfigureAwait(false);
        RunStore.Remove(entry);
    }

    internal static async Task<string> AskAsync(RunEntry entry, string request, CancellationToken ct)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            using var hold = ControlSocket.Address(entry.Folder, out var address);
            await socket.ConnectAsync(address, ct).ConfigureAwait(false);
            await socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), ct).ConfigureAwait(false);
            var buffer = new byte[1024];
            var length = 0;
            for (int read; length < buffer.Length && (read = await socket.ReceiveAsync(buffer.AsMemory(length), ct).ConfigureAwait(false)) > 0;)
                length += read;
            return Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n');
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new MoatException($"the supervisor of {entry.State.Id} does not answer", $"end it with: kill {entry.State.SupervisorPid}", inner: e);
        }
    }
}
