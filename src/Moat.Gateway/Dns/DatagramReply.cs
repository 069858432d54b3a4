using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Moat.Gateway.Dns;

/// <summary>
/// Sends a datagram from a chosen local address: sendmsg(2) with IP_PKTINFO (ip(7)) or IPV6_PKTINFO (RFC 3542 §6). A
/// client that asked 8.8.8.8 drops an answer from another address, and the base library cannot choose the source.
/// </summary>
internal static unsafe partial class DatagramReply
{
    private const int SolIp = 0;
    private const int IpPktInfo = 8;
    private const int SolIpv6 = 41;
    private const int Ipv6PktInfo = 50;
    private const int Ipv6FreeBind = 78;
    private const int MsgNoSignalDontWait = 0x4000 | 0x40;

    /// <summary>Lets IPv6 answers leave from addresses that are local only by a route (the kernel allows it for IPv4 anyway).</summary>
    internal static void Prepare(Socket socket)
    {
        if (socket.AddressFamily == AddressFamily.InterNetworkV6) socket.SetRawSocketOption(SolIpv6, Ipv6FreeBind, [1, 0, 0, 0]);
    }

    /// <summary>False when the kernel did not take it (full buffer, the client is gone): a datagram may be lost.</summary>
    internal static bool Send(Socket socket, ReadOnlySpan<byte> datagram, IPAddress from, SocketAddress to)
    {
        Span<byte> control = stackalloc byte[48];
        control.Clear();
        var length = WriteControl(control, from, socket.AddressFamily);
        fixed (byte* data = datagram)
        fixed (byte* name = to.Buffer.Span)
        fixed (byte* ancillary = control)
        {
            var vector = new IoVector { Base = data, Length = (nuint)datagram.Length };
            var message = new MessageHeader
            {
                Name = name,
                NameLength = (uint)to.Size,
                Vectors = &vector,
                VectorCount = 1,
                Control = ancillary,
                ControlLength = (nuint)length,
            };
            return SendMessage(socket.SafeHandle, &message, MsgNoSignalDontWait) == datagram.Length;
        }
    }

    // struct cmsghdr { size_t len; int level; int type; }, then the data, aligned to size_t (cmsg(3)).
    private static int WriteControl(Span<byte> control, IPAddress from, AddressFamily family)
    {
        var header = sizeof(nuint) + 8;
        Span<byte> address = stackalloc byte[16];
        int level, type, data;
        if (family == AddressFamily.InterNetwork)
        {
            (level, type, data) = (SolIp, IpPktInfo, 12); // in_pktinfo: index, spec_dst, addr
            from.MapToIPv4().TryWriteBytes(address, out var length);
            address[..length].CopyTo(control[(header + 4)..]);
        }
        else
        {
            (level, type, data) = (SolIpv6, Ipv6PktInfo, 20); // in6_pktinfo: addr, index
            from.MapToIPv6().TryWriteBytes(address, out var length);
            address[..length].CopyTo(control[header..]);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(control, (ulong)(header + data));
        BinaryPrimitives.WriteInt32LittleEndian(control[8..], level);
        BinaryPrimitives.WriteInt32LittleEndian(control[12..], type);
        return (header + data + 7) & ~7;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    private static partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);
}
