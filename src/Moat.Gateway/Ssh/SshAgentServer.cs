using System.Buffers.Binary;
using System.Net.Sockets;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Ssh;

/// <summary>The sandbox's ssh-agent: messages after their lengths (draft-miller-ssh-agent §3), one after the other.</summary>
internal sealed class SshAgentServer(SshGrants grants, PolicyGate gate, Recorder recorder)
{
    public const int MaxConnections = 64;

    /// <summary>Longer than any message that is answered with more than a failure.</summary>
    private const int MaxMessage = 64 * 1024;

    /// <summary>Until the client leaves, or sends what is no message.</summary>
    public async Task ServeAsync(Socket connection, CancellationToken stop)
    {
        var session = new SshAgentSession(grants, gate, recorder);
        using var stream = new NetworkStream(connection, ownsSocket: false);
        var head = new byte[4];
        while (true)
        {
            if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, stop).ConfigureAwait(false) < head.Length) return;
            var length = BinaryPrimitives.ReadUInt32BigEndian(head);
            if (length is 0 or > MaxMessage) return;
            var message = new byte[length];
            await stream.ReadExactlyAsync(message, stop).ConfigureAwait(false);
            var answer = await session.AnswerAsync(message, stop).ConfigureAwait(false);
            var frame = new byte[4 + answer.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame, answer.Length);
            answer.CopyTo(frame, 4);
            await stream.WriteAsync(frame, stop).ConfigureAwait(false);
        }
    }
}
