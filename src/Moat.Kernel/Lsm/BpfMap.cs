using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Moat.Linux;

namespace Moat.Kernel.Lsm;

/// <summary>A BPF map by its descriptor.</summary>
internal sealed unsafe class BpfMap(string name, int descriptor, bool owned) : IDisposable
{
    public const int Hash = 1, LongestPrefix = 11;

    private const uint NoPrealloc = 1;

    public int Descriptor { get; } = descriptor;

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static BpfMap Create<TKey, TValue>(int type, string name, int entries)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        var options = new LibBpf.MapCreateOptions { Size = (nuint)sizeof(LibBpf.MapCreateOptions), Flags = NoPrealloc };
        Span<byte> label = stackalloc byte[16];
        label.Clear();
        Encoding.ASCII.GetBytes(name, label[..15]);
        fixed (byte* text = label)
        {
            // An empty map must have room for one: the kernel knows none of no size.
            var descriptor = LibBpf.bpf_map_create(type, text, (uint)sizeof(TKey), (uint)sizeof(TValue), (uint)Math.Max(1, entries), &options);
            return descriptor >= 0 ? new BpfMap(name, descriptor, true) : throw Refused(name, "made");
        }
    }

    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Set<TKey, TValue>(TKey key, TValue value)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        if (LibBpf.bpf_map_update_elem(Descriptor, &key, &value, 0) != 0) throw Refused(name, "written");
    }

    /// <exception cref="IOException">The kernel refuses.</exception>
    public TValue Get<TValue>(uint key)
        where TValue : unmanaged
    {
        TValue value = default;
        return LibBpf.bpf_map_lookup_elem(Descriptor, &key, &value) == 0 ? value : throw Refused(name, "read");
    }

    /// <summary>The sum over all processors of a counter.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public ulong Sum(uint key)
    {
        var values = new ulong[LibBpf.libbpf_num_possible_cpus()];
        fixed (ulong* first = values)
        {
            if (LibBpf.bpf_map_lookup_elem(Descriptor, &key, first) != 0) throw Refused(name, "read");
        }

        return values.Aggregate(0UL, (sum, value) => sum + value);
    }

    public void Dispose()
    {
        if (owned) _ = Libc.close(Descriptor);
    }

    private static IOException Refused(string name, string what) =>
        new(string.Create(CultureInfo.InvariantCulture, $"the kernel map {name} cannot be {what}: errno {Marshal.GetLastPInvokeError()}"));
}
