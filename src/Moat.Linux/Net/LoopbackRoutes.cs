using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Moat.Linux.Net;

/// <summary>
/// Makes every address of a network namespace its own (AnyIP): a local default route on lo, so that a connection to any
/// address arrives at a listener here. Spoken as rtnetlink(7).
/// </summary>
public static unsafe class LoopbackRoutes
{
    private const ushort NewRoute = 24, NewLink = 16;
    private const ushort Request = 1, Ack = 4, Create = 0x400;
    private const int Loopback = 1;

    /// <summary>Brings lo up and adds the routes. Returns false for IPv6 where the kernel has none.</summary>
    /// <exception cref="IOException">The IPv4 route cannot be made.</exception>
    public static bool Add()
    {
        var fd = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0) throw new IOException("no netlink socket: errno " + Marshal.GetLastPInvokeError());
        try
        {
            // ifinfomsg: family, pad, type, index, flags, change; IFF_UP is 1.
            var link = new byte[16];
            BinaryPrimitives.WriteInt32LittleEndian(link.AsSpan(4), Loopback);
            BinaryPrimitives.WriteInt32LittleEndian(link.AsSpan(8), 1);
            BinaryPrimitives.WriteInt32LittleEndian(link.AsSpan(12), 1);
            Expect(Talk(fd, NewLink, Request | Ack, link), "lo cannot be brought up");
            Expect(Talk(fd, NewRoute, Request | Ack | Create, Route(Libc.AF_INET)), "the local default route cannot be made");
            return Talk(fd, NewRoute, Request | Ack | Create, Route(Libc.AF_INET6)) == 0;
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    /// <summary>rtmsg for <c>local default dev lo</c>: table local (255), protocol static (4), scope host (254), type local (2).</summary>
    private static byte[] Route(int family)
    {
        var message = new byte[20];
        message[0] = (byte)family;
        message[4] = 255;
        message[5] = 4;
        message[6] = family == Libc.AF_INET ? (byte)254 : (byte)0;
        message[7] = 2;

        // rtattr RTA_OIF (4): index of lo.
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(12), 8);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), 4);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(16), Loopback);
        return message;
    }

    /// <summary>Sends one request and returns the errno of its acknowledgement; 0 is success.</summary>
    private static int Talk(int fd, ushort type, int flags, byte[] body)
    {
        var request = new byte[16 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), (ushort)flags);
        body.CopyTo(request, 16);
        fixed (byte* data = request)
        {
            if (Libc.write(fd, data, (nuint)request.Length) != request.Length) return Marshal.GetLastPInvokeError();
        }

        var answer = stackalloc byte[1024];
        return Libc.read(fd, answer, 1024) >= 20 ? -*(int*)(answer + 16) : Libc.EIO;
    }

    private static void Expect(int errno, string what)
    {
        if (errno != 0) throw new IOException($"{what}: errno {errno}");
    }
}
