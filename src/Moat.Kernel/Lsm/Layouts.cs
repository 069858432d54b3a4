using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Moat.Kernel.Lsm;

/// <summary>An inode as the kernel tells it from all others, even from a later one that is given the same number.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct InodeKey(ulong Number, uint Device, uint Generation);

[StructLayout(LayoutKind.Sequential)]
internal struct NodeValue
{
    public const uint HasNames = 1;

    public uint Id, Self, Below, Flags;
}

[InlineArray(256)]
internal struct NameBytes
{
    private byte first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NameKey
{
    public uint Parent, Length;
    public NameBytes Name;

    public static NameKey Of(uint parent, string name)
    {
        var key = new NameKey { Parent = parent };
        key.Length = (uint)Encoding.UTF8.GetBytes(name, (Span<byte>)key.Name);
        return key;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NetKey
{
    public readonly uint Prefix;
    private readonly uint a, b, c, d;

    public NetKey(uint prefix, ReadOnlySpan<byte> address)
    {
        Prefix = prefix;
        a = MemoryMarshal.Read<uint>(address);
        b = MemoryMarshal.Read<uint>(address[4..]);
        c = MemoryMarshal.Read<uint>(address[8..]);
        d = MemoryMarshal.Read<uint>(address[12..]);
    }

    /// <summary>Whether this network holds all of the other.</summary>
    public bool Holds(NetKey other)
    {
        if (other.Prefix < Prefix) return false;
        Span<uint> mine = [a, b, c, d], theirs = [other.a, other.b, other.c, other.d];
        var left = MemoryMarshal.AsBytes(mine);
        var right = MemoryMarshal.AsBytes(theirs);
        for (var bit = 0; bit < Prefix; bit++)
        {
            if (((left[bit / 8] ^ right[bit / 8]) & (0x80 >> (bit % 8))) != 0) return false;
        }

        return true;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal record struct PortRule
{
    public ushort Low, High;
    public byte Protocol, Allow;
    public ushort Used;
}

[InlineArray(Maximum)]
internal struct NetRules
{
    public const int Maximum = 16;

    private PortRule first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SettingsValue
{
    public const uint Shadow = 1, Revalidate = 2, Mounts = 4, ObserveExec = 8, ObserveOpen = 16, Connects = 32, Abstract = 64, Layers = 128;

    public uint Self, Below, Pseudo, Flags, Generation, Connect;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Resolution
{
    public InodeKey Inode;
    public ulong Cgroup;
    public uint Level, Thread, Answered, Unused;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ScopeValue
{
    public ulong Cgroup;
    public uint Level, Unused;
}

[InlineArray(16)]
internal struct Bytes16
{
    private byte first;
}

[InlineArray(512)]
internal struct PathBytes
{
    private byte first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EventValue
{
    public ulong Nanoseconds, Cgroup, Times;
    public InodeKey Inode;
    public uint Process, Thread, User, Action, Node, Generation;
    public ushort Denied, Shadow, Port, Family;
    public Bytes16 Address, Command;
    public uint Length;
    public PathBytes Path;
}
