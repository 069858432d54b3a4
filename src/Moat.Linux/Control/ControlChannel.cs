using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Moat.Linux.Control;

/// <summary>
/// The line between supervisor and init: a UNIX stream of frames (a 32-bit little-endian length, then the bytes), with
/// descriptors riding on a frame's length (SCM_RIGHTS, unix(7)). A stream rather than packets, since an environment may
/// be larger than a socket's packet.
/// </summary>
public sealed unsafe class ControlChannel(int descriptor)
{
    /// <summary>A frame's greatest length; argument and environment together are bounded by the kernel at 6 MiB.</summary>
    private const int MaxFrame = 8 << 20;
    private const int MaxDescriptors = 96;
    private readonly Lock gate = new();

    public int Descriptor { get; } = descriptor;

    /// <exception cref="IOException">The other end is gone.</exception>
    public void Send(ReadOnlySpan<byte> frame, ReadOnlySpan<int> descriptors = default)
    {
        lock (gate)
        {
            Span<byte> head = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(head, frame.Length);
            SendHead(head, descriptors);
            fixed (byte* data = frame)
            {
                for (var sent = 0; sent < frame.Length;)
                {
                    var count = Libc.write(Descriptor, data + sent, (nuint)(frame.Length - sent));
                    if (count > 0) sent += (int)count;
                    else if (Marshal.GetLastPInvokeError() != Libc.EINTR) throw new IOException("the control channel is closed");
                }
            }
        }
    }

    /// <summary>The next frame and its descriptors (close-on-exec); null at the end of the channel.</summary>
    public (byte[] Frame, int[] Descriptors)? Receive()
    {
        Span<byte> head = stackalloc byte[4];
        var descriptors = ReceiveHead(head);
        if (descriptors is null) return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > MaxFrame) throw new IOException("a frame of the control channel is too long");
        var frame = new byte[length];
        fixed (byte* data = frame)
        {
            if (!ReadAll(data, length)) return null;
        }

        return (frame, descriptors);
    }

    private void SendHead(Span<byte> head, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[16 + (4 * MaxDescriptors)];
        fixed (byte* data = head)
        {
            var iov = new Libc.IoVec { Base = data, Length = 4 };
            var message = new Libc.MsgHdr { Iov = &iov, IovLength = 1 };
            if (!descriptors.IsEmpty)
            {
                var size = 16 + (4 * descriptors.Length);
                *(nuint*)control = (nuint)size;
                *(int*)(control + 8) = 1;
                *(int*)(control + 12) = 1;
                descriptors.CopyTo(new Span<int>(control + 16, descriptors.Length));
                message.Control = control;
                message.ControlLength = (nuint)((size + 7) & ~7);
            }

            while (true)
            {
                // 0x4000 is MSG_NOSIGNAL. Four bytes into a fresh skb are never split.
                var count = Libc.sendmsg(Descriptor, &message, 0x4000);
                if (count == 4) return;
                if (count >= 0 || Marshal.GetLastPInvokeError() != Libc.EINTR) throw new IOException("the control channel is closed");
            }
        }
    }

    private int[]? ReceiveHead(Span<byte> head)
    {
        const int Size = 16 + (4 * MaxDescriptors);
        var control = stackalloc byte[Size];
        fixed (byte* data = head)
        {
            var iov = new Libc.IoVec { Base = data, Length = 4 };
            var message = new Libc.MsgHdr { Iov = &iov, IovLength = 1, Control = control, ControlLength = Size };
            nint count;
            do
            {
                // 0x40000000 is MSG_CMSG_CLOEXEC.
                count = Libc.recvmsg(Descriptor, &message, 0x40000000);
            }
            while (count < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            if (count <= 0) return null;
            int[] descriptors = [];
            if (message.ControlLength >= 16 && *(int*)(control + 8) == 1 && *(int*)(control + 12) == 1)
                descriptors = new Span<int>(control + 16, ((int)*(nuint*)control - 16) / 4).ToArray();
            return count == 4 || ReadAll(data + count, 4 - (int)count) ? descriptors : null;
        }
    }

    private bool ReadAll(byte* data, int length)
    {
        for (var filled = 0; filled < length;)
        {
            var count = Libc.read(Descriptor, data + filled, (nuint)(length - filled));
            if (count > 0) filled += (int)count;
            else if (count == 0 || Marshal.GetLastPInvokeError() != Libc.EINTR) return false;
        }

        return true;
    }
}
