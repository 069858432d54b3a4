using System.Buffers.Binary;
using System.Net.Sockets;
using Moat.Spec;

namespace Moat.Credentials.Ssh;

/// <summary>Asks the ssh-agent of the person (draft-miller-ssh-agent): which keys it has, and for signatures. A connection each time: nothing of one question binds the next.</summary>
public sealed class SshAgentClient(string socketPath)
{
    private const int MaxMessage = 256 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // A person may have to confirm a use, or touch a token.
    private static readonly TimeSpan s_signPatience = TimeSpan.FromMinutes(2);

    /// <summary>The variable that names the socket.</summary>
    public const string Variable = "SSH_AUTH_SOCK";

    /// <summary>The keys of a kind that is used here, with their comments.</summary>
    /// <exception cref="MoatException">There is no agent, or it answers none of this.</exception>
    public async Task<IReadOnlyList<(SshPublicKey Key, string Comment)>> ListAsync(CancellationToken ct)
    {
        var answer = await AskAsync([new byte[] { SshAgentMessage.RequestIdentities }], s_patience, ct).ConfigureAwait(false);
        return Identities(answer) ?? throw Failed("it did not list its keys");
    }

    /// <summary>A signature (string algorithm, string blob).</summary>
    /// <param name="key">Which key.</param>
    /// <param name="data">What is signed.</param>
    /// <param name="flags">As in the sign request.</param>
    /// <param name="binding">A session-bind message that comes before, for keys that were added for certain hosts only; null: none.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">The agent is gone, or does not sign.</exception>
    public async Task<byte[]> SignAsync(SshPublicKey key, ReadOnlyMemory<byte> data, uint flags, ReadOnlyMemory<byte>? binding, CancellationToken ct)
    {
        var request = new SshWriter().Byte(SshAgentMessage.SignRequest).String(key.Blob).String(data.Span).UInt32(flags).ToArray();
        var answer = await AskAsync(binding is { } bind ? [bind, request] : [request], s_signPatience, ct).ConfigureAwait(false);
        return Signature(answer) ?? throw Failed("it did not sign: the key is not in it any more, or its use was not confirmed");
    }

    private static List<(SshPublicKey, string)>? Identities(ReadOnlySpan<byte> answer)
    {
        var reader = new SshReader(answer);
        if (reader.Byte() != SshAgentMessage.IdentitiesAnswer) return null;
        var found = new List<(SshPublicKey, string)>();
        for (var count = reader.UInt32(); count > 0 && !reader.Failed; count--)
        {
            var blob = reader.String();
            var comment = reader.String();
            if (!reader.Failed && SshPublicKey.Read(blob) is { } key) found.Add((key, System.Text.Encoding.UTF8.GetString(comment)));
        }
        return reader.Failed ? null : found;
    }

    private static byte[]? Signature(ReadOnlySpan<byte> answer)
    {
        var reader = new SshReader(answer);
        if (reader.Byte() != SshAgentMessage.SignResponse) return null;
        var signature = reader.String();
        return reader.IsAtEnd ? signature.ToArray() : null;
    }

    /// <summary>Sends the messages one after the other; the answer to the last one.</summary>
    private async Task<byte[]> AskAsync(ReadOnlyMemory<byte>[] messages, TimeSpan patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), limit.Token).ConfigureAwait(false);
            using var stream = new NetworkStream(socket);
            var answer = Array.Empty<byte>();
            foreach (var message in messages)
            {
                var frame = new byte[4 + message.Length];
                BinaryPrimitives.WriteInt32BigEndian(frame, message.Length);
                message.CopyTo(frame.AsMemory(4));
                await stream.WriteAsync(frame, limit.Token).ConfigureAwait(false);
                await stream.ReadExactlyAsync(frame.AsMemory(0, 4), limit.Token).ConfigureAwait(false);
                var length = BinaryPrimitives.ReadUInt32BigEndian(frame);
                if (length is 0 or > MaxMessage) throw Failed("its answer is no message");
                answer = new byte[length];
                await stream.ReadExactlyAsync(answer, limit.Token).ConfigureAwait(false);
            }
            return answer;
        }
        catch (Exception ex) when (ex is SocketException or IOException or ArgumentException)
        {
            throw Failed("it cannot be reached");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Failed("it did not answer in time");
        }
    }

    private static MoatException Failed(string reason)
        => new($"the ssh-agent of this host: {reason}", $"start one and add the key (eval \"$(ssh-agent)\"; ssh-add), so that {Variable} names its socket");
}
