using System.Buffers;

namespace Moat.Gateway.Databases;

/// <summary>Follows what a client says after its login, and holds back what would change the identity or tell the password.</summary>
internal abstract class CommandFilter
{
    /// <summary>Takes the next bytes of the client.</summary>
    /// <param name="bytes">As they came.</param>
    /// <param name="upstream">Gets what the server shall have.</param>
    /// <param name="answer">Gets what the client shall have at once.</param>
    /// <exception cref="SessionException">The session ends here, for the reason in the message.</exception>
    public abstract void Take(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream, ArrayBufferWriter<byte> answer);
}
