using System.Runtime.InteropServices;

namespace Moat.Kernel.Lsm;

/// <summary>libbpf 1.x, as far as it is used. Found when first called, so that a host without it runs everything else.</summary>
internal static unsafe partial class LibBpf
{
    private const string Library = "libbpf.so.1";

    [LibraryImport(Library)]
    public static partial nint libbpf_set_print(nint callback);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int libbpf_find_vmlinux_btf_id(string name, int attachType);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint bpf_object__open_mem(byte* content, nuint length, nint options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int bpf_object__load(nint handle);

    [LibraryImport(Library)]
    public static partial void bpf_object__close(nint handle);

    [LibraryImport(Library)]
    public static partial nint bpf_object__next_program(nint handle, nint previous);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int bpf_object__find_map_fd_by_name(nint handle, string name);

    [LibraryImport(Library)]
    public static partial byte* bpf_program__section_name(nint program);

    [LibraryImport(Library)]
    public static partial int bpf_program__set_autoload(nint program, [MarshalAs(UnmanagedType.U1)] bool load);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint bpf_program__attach_lsm(nint program);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int bpf_link__pin(nint link, string path);

    [LibraryImport(Library)]
    public static partial int bpf_link__destroy(nint link);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int bpf_map_create(int type, byte* name, uint keySize, uint valueSize, uint entries, MapCreateOptions* options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int bpf_map_update_elem(int map, void* key, void* value, ulong flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int bpf_map_lookup_elem(int map, void* key, void* value);

    [LibraryImport(Library)]
    public static partial int libbpf_num_possible_cpus();

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint ring_buffer__new(int map, delegate* unmanaged[Cdecl]<nint, byte*, nuint, int> callback, nint context, nint options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ring_buffer__add(nint ring, int map, delegate* unmanaged[Cdecl]<nint, byte*, nuint, int> callback, nint context);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ring_buffer__consume(nint ring);

    [LibraryImport(Library)]
    public static partial int ring_buffer__epoll_fd(nint ring);

    [LibraryImport(Library)]
    public static partial void ring_buffer__free(nint ring);

    [StructLayout(LayoutKind.Sequential)]
    public struct MapCreateOptions
    {
        public nuint Size;
        public uint BtfDescriptor, BtfKey, BtfValue, BtfVmlinuxValue;
        public uint InnerMap, Flags;
        public ulong Extra;
        public uint NumaNode, Interface;
    }
}
