using System.Buffers.Binary;
using System.Text;

namespace Moat.Linux.Processes;

/// <summary>Reads strings out of another process (process_vm_readv(2)), bounded in length whatever that process holds.</summary>
internal sealed unsafe class RemoteMemory(int pid)
{
    private const int Page = 4096;

    /// <summary>Bytes at an address, up to the end of their page; 0 where nothing is mapped.</summary>
    public int Read(ulong address, Span<byte> into)
    {
        var length = Math.Min(into.Length, Page - (int)(address % Page));
        fixed (byte* data = into)
        {
            var local = new Libc.IoVec { Base = data, Length = (nuint)length };
            var remote = new Libc.IoVec { Base = (void*)address, Length = (nuint)length };
            var count = Libc.process_vm_readv(pid, &local, 1, &remote, 1, 0);
            return count < 0 ? 0 : (int)count;
        }
    }

    /// <summary>A NUL-terminated string of at most so many bytes.</summary>
    /// <returns>False when it was cut or could not be read to its end.</returns>
    public bool TryString(ulong address, int limit, out string text)
    {
        var buffer = limit <= 4096 ? stackalloc byte[limit] : new byte[limit];
        var filled = 0;
        while (filled < limit)
        {
            var count = Read(address + (ulong)filled, buffer[filled..]);
            var end = buffer.Slice(filled, count).IndexOf((byte)0);
            if (end >= 0)
            {
                text = Encoding.UTF8.GetString(buffer[..(filled + end)]);
                return true;
            }

            filled += count;
            if (count == 0) break;
        }

        text = Encoding.UTF8.GetString(buffer[..filled]);
        return false;
    }

    /// <summary>A vector of pointers that ends with null, as argv is.</summary>
    /// <returns>False when there are more than the limit, or when it could not be read to its end.</returns>
    public bool TryPointers(ulong address, int limit, List<ulong> pointers)
    {
        Span<byte> chunk = stackalloc byte[512];
        while (pointers.Count < limit)
        {
            var count = Read(address + (8 * (ulong)pointers.Count), chunk) / 8;
            if (count == 0) return false;
            for (var i = 0; i < count && pointers.Count < limit; i++)
            {
                var pointer = BinaryPrimitives.ReadUInt64LittleEndian(chunk[(8 * i)..]);
                if (pointer == 0) return true;
                pointers.Add(pointer);
            }
        }

        return false;
    }
}
