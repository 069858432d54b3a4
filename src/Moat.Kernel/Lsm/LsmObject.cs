using System.Globalization;
using System.Runtime.InteropServices;
using Moat.Spec;

namespace Moat.Kernel.Lsm;

/// <summary>The compiled programs, loaded into the kernel; attached and pinned when told so.</summary>
internal sealed unsafe class LsmObject : IDisposable
{
    private const int LsmAttach = 27, EPERM = 1, EACCES = 13;

    /// <summary>The hook that answers the resolver. All others judge.</summary>
    private const string ResolverHook = "inode_getattr";

    /// <summary>Hooks that a kernel may lack without a hole: what they are asked, it asks another one (path_truncate, file_ioctl).</summary>
    private static readonly HashSet<string> Dispensable = new(StringComparer.Ordinal) { "file_truncate", "file_ioctl_compat" };

    private readonly nint handle;
    private readonly List<(string Hook, nint Program)> programs;
    private readonly List<(string Hook, nint Link)> links = [];

    private LsmObject(nint handle, List<(string Hook, nint Program)> programs)
    {
        this.handle = handle;
        this.programs = programs;
    }

    /// <exception cref="MoatException">This kernel does not take the programs.</exception>
    public static LsmObject Load()
    {
        try
        {
            _ = LibBpf.libbpf_set_print(0);
        }
        catch (DllNotFoundException)
        {
            throw new MoatException("libbpf is not installed", "sudo apt-get install -y libbpf1");
        }

        using var resource = typeof(LsmObject).Assembly.GetManifestResourceStream("moat_lsm.bpf.o") ?? throw new InvalidOperationException("moat_lsm.bpf.o is not embedded");
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        nint handle;
        fixed (byte* first = content)
        {
            handle = LibBpf.bpf_object__open_mem(first, (nuint)content.Length, 0);
        }

        if (handle == 0) throw Refused("read");
        var programs = Programs(handle);
        foreach (var (hook, program) in programs)
        {
            if (LibBpf.libbpf_find_vmlinux_btf_id(hook, LsmAttach) >= 0) continue;
            if (!Dispensable.Contains(hook))
            {
                LibBpf.bpf_object__close(handle);
                throw new MoatException($"this kernel has no security hook {hook}, or tells no types", "Boot Linux 6.1 or later with CONFIG_DEBUG_INFO_BTF and CONFIG_SECURITY_PATH.");
            }

            _ = LibBpf.bpf_program__set_autoload(program, false);
        }

        if (LibBpf.bpf_object__load(handle) == 0) return new LsmObject(handle, programs);
        var refusal = Refused("loaded");
        LibBpf.bpf_object__close(handle);
        throw refusal;
    }

    /// <exception cref="IOException">The object has no such map.</exception>
    public BpfMap Map(string name)
    {
        var descriptor = LibBpf.bpf_object__find_map_fd_by_name(handle, name);
        return descriptor >= 0 ? new BpfMap(name, descriptor, false) : throw new IOException("the programs have no map " + name);
    }

    public void AttachResolver() => Attach(hook => hook == ResolverHook);

    public void AttachJudges() => Attach(hook => hook != ResolverHook);

    /// <summary>Has the kernel keep the judging programs when this process ends, however it ends.</summary>
    /// <exception cref="IOException">The directory is not on a BPF file system, or is taken.</exception>
    public void Pin(string directory)
    {
        foreach (var (hook, link) in links.Where(link => link.Hook != ResolverHook))
        {
            if (LibBpf.bpf_link__pin(link, Path.Combine(directory, hook)) != 0)
            {
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"the program {hook} cannot be pinned in {directory}: errno {Marshal.GetLastPInvokeError()}"));
            }
        }
    }

    public void Dispose()
    {
        foreach (var (_, link) in links) _ = LibBpf.bpf_link__destroy(link);
        links.Clear();
        LibBpf.bpf_object__close(handle);
    }

    private static List<(string Hook, nint Program)> Programs(nint handle)
    {
        var programs = new List<(string Hook, nint Program)>();
        for (var program = LibBpf.bpf_object__next_program(handle, 0); program != 0; program = LibBpf.bpf_object__next_program(handle, program))
        {
            var section = Marshal.PtrToStringUTF8((nint)LibBpf.bpf_program__section_name(program))!;
            programs.Add((section["lsm/".Length..], program));
        }

        return programs;
    }

    private void Attach(Func<string, bool> which)
    {
        foreach (var (hook, program) in programs.Where(program => which(program.Hook)))
        {
            if (Dispensable.Contains(hook) && LibBpf.libbpf_find_vmlinux_btf_id(hook, LsmAttach) < 0) continue;
            var link = LibBpf.bpf_program__attach_lsm(program);
            if (link == 0) throw Refused("attached to " + hook);
            links.Add((hook, link));
        }
    }

    private static MoatException Refused(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        var mend = error is EPERM or EACCES ? "Run moat as root, on a kernel that lets its owner load LSM programs." : "Boot Linux 6.1 or later with CONFIG_BPF_LSM and lsm=…,bpf.";
        return new MoatException(string.Create(CultureInfo.InvariantCulture, $"the LSM programs cannot be {what}: errno {error}"), mend);
    }
}
