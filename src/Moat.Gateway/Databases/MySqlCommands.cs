using System.Buffers;

namespace Moat.Gateway.Databases;

/// <summary>
/// Looks at the first byte of each of the client's commands (a packet of number 0 that continues no other) and ends the
/// session at the one that logs in anew.
/// </summary>
internal sealed class MySqlCommands : CommandFilter
{
    private const byte ChangeUser = 0x11;
    private const int FullPacket = 0xFF_FFFF;

    private readonly byte[] _head = new byte[4];
    private int _headed;
    private int _body;
    private bool _begins;
    private bool _continues;

    public override void Take(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream, ArrayBufferWriter<byte> answer)
    {
        for (var at = 0; at < bytes.Length;)
        {
            if (_begins && bytes[at] == ChangeUser) throw new SessionException("a session stays with the grant's user: COM_CHANGE_USER is not passed");
            _begins = false;
            if (_body > 0)
            {
                var taken = Math.Min(_body, bytes.Length - at);
                (at, _body) = (at + taken, _body - taken);
                continue;
            }
            _head[_headed++] = bytes[at++];
            if (_headed < _head.Length) continue;
            _headed = 0;
            _body = _head[0] | (_head[1] << 8) | (_head[2] << 16);
            _begins = !_continues && _head[3] == 0 && _body > 0;
            _continues = _body == FullPacket;
        }
        upstream.Write(bytes);
    }
}
