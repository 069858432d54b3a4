using System.Runtime.InteropServices;

namespace Moat.Kernel.Tests.Machine;

/// <summary>The virtual machine's initial file system: a shell, the .NET runtime that runs these tests, the guest program and the attacks.</summary>
internal static class MachineImage
{
    private const string Init = """
        #!/bin/busybox sh
        /bin/busybox --install -s /bin
        mount -t proc proc /proc
        mount -t sysfs sys /sys
        mount -t devtmpfs dev /dev
        mount -t securityfs security /sys/kernel/security
        mount -t bpf bpf /sys/fs/bpf
        mount -t cgroup2 cgroup /sys/fs/cgroup
        echo 1 > /sys/kernel/rcu_expedited
        insmod /overlay.ko
        ip link set lo up
        for place in tmpfs overlay bind layers source; do mount -t tmpfs $place /$place; done
        DOTNET_ROOT=/dotnet /dotnet/dotnet exec /guest/Moat.Kernel.Guest.dll
        poweroff -f
        """;

    /// <param name="path">Where to write the image.</param>
    /// <param name="kernel">The directory of the kernel's package, unpacked.</param>
    /// <param name="rows">The attacks to make, each a name and a place.</param>
    public static void Build(string path, string kernel, IEnumerable<string> rows)
    {
        var work = Directory.CreateTempSubdirectory("moat-machine-").FullName;
        try
        {
            using var output = File.Create(path);
            using var archive = new CpioArchive(output);
            foreach (var directory in new[] { "proc", "sys", "dev", "tmp", "tmpfs", "overlay", "bind", "layers", "source" }) archive.AddDirectory(directory);
            archive.Add("init", System.Text.Encoding.ASCII.GetBytes(Init.Replace("\r", "", StringComparison.Ordinal) + "\n"));
            archive.Add("rows", System.Text.Encoding.ASCII.GetBytes(string.Join('\n', rows) + "\n"));
            archive.AddFile("bin/busybox", "/bin/busybox");
            AddOverlay(archive, kernel, work);
            AddAttacks(archive, work);
            AddRuntime(archive);
        }
        finally
        {
            Directory.Delete(work, true);
        }
    }

    private static void AddOverlay(CpioArchive archive, string kernel, string work)
    {
        var module = Directory.GetFiles(kernel, "overlay.ko*", SearchOption.AllDirectories).Single();
        var plain = Path.Combine(work, "overlay.ko");
        File.Copy(module, plain + Path.GetExtension(module), true);
        if (Path.GetExtension(module) == ".xz") Tools.Run("xz", "-d", plain + ".xz");
        archive.AddFile("overlay.ko", plain);
    }

    private static void AddAttacks(CpioArchive archive, string work)
    {
        var guest = GuestDirectory();
        string[] sources = Directory.GetFiles(guest, "*.c");
        Tools.Run("gcc", ["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-Wno-clobbered", "-static", "-o", work + "/attack", .. sources]);
        Tools.Run("gcc", "-nostdlib", "-static", "-o", work + "/good", guest + "/good.S");
        archive.AddFile("attack", work + "/attack");
        archive.AddFile("good", work + "/good");
        foreach (var file in Directory.GetFiles(guest).Where(file => file.EndsWith(".dll", StringComparison.Ordinal) || file.EndsWith(".json", StringComparison.Ordinal))) archive.AddFile("guest/" + Path.GetFileName(file), file);
    }

    private static void AddRuntime(CpioArchive archive)
    {
        var framework = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/');
        var root = Path.GetFullPath(framework + "/../../..");
        List<string> files = [root + "/dotnet", .. Directory.GetFiles(framework), .. Directory.GetFiles(root + "/host", "libhostfxr.so", SearchOption.AllDirectories).Where(file => file.Contains(Path.GetFileName(framework), StringComparison.Ordinal))];
        foreach (var file in files) archive.AddFile("dotnet/" + Path.GetRelativePath(root, file), file);

        var bpf = Tools.Run("ldconfig", "-p").Split('\n').Where(line => line.Contains("libbpf.so.1 ", StringComparison.Ordinal)).Select(line => line.Split("=> ")[1].Trim()).FirstOrDefault()
            ?? throw new InvalidOperationException("libbpf1 is not installed; ./test installs what these tests need");
        var libraries = files.Where(file => file.EndsWith(".so", StringComparison.Ordinal) || file == root + "/dotnet").Append(bpf)
            .SelectMany(file => Tools.Run("ldd", file).Split([' ', '\n', '\t'])).Where(word => word.StartsWith('/') && !word.StartsWith(root, StringComparison.Ordinal)).Append(bpf).Distinct(StringComparer.Ordinal);
        foreach (var library in libraries.Where(File.Exists)) archive.AddFile(library[1..], library);
    }

    private static string GuestDirectory() => AppContext.BaseDirectory.Replace("Moat.Kernel.Tests", "Moat.Kernel.Guest", StringComparison.Ordinal).TrimEnd('/');
}
