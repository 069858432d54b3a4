using System.Globalization;
using Moat.Linux.Confinement;

namespace Moat.Linux.Processes;

/// <summary>
/// Everything that a child needs between fork and exec, as native memory: after a fork in a managed process nothing may
/// be allocated and no lock taken, so all of it is made before.
/// </summary>
public sealed unsafe class ChildPlan : IDisposable
{
    private readonly NativeStrings strings = new();

    public required Landlock? Landlock { get; init; }

    /// <summary>A <c>sock_fprog</c>.</summary>
    public required nint Seccomp { get; init; }

    /// <summary>True: the filter announces exec, and its listener is handed to who starts the child.</summary>
    public required bool AnnouncesExec { get; init; }

    public required (int Resource, ulong Soft, ulong Hard)[] Limits { get; init; }

    /// <summary>The program's possible paths, in order.</summary>
    public nint[] Candidates { get; private set; } = [];

    public byte** Arguments { get; private set; }

    public byte** Environment { get; private set; }

    public byte* Directory { get; private set; }

    public byte* UidMap { get; private set; }

    public byte* GidMap { get; private set; }

    public byte* NotFound { get; private set; }

    public byte* NotRunnable { get; private set; }

    public byte* NotConfined { get; private set; }

    public byte* NotObserved { get; private set; }

    public byte* UidMapPath { get; private set; }

    public byte* GidMapPath { get; private set; }

    public byte* SetGroupsPath { get; private set; }

    public byte* Deny { get; private set; }

    public void Prepare(IReadOnlyList<string> argv, IReadOnlyList<string> environment, string directory, uint uid, uint gid)
    {
        var program = argv[0];
        var path = environment.FirstOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? "/usr/local/bin:/usr/bin:/bin";
        Candidates = program.Contains('/', StringComparison.Ordinal)
            ? [(nint)strings.String(program)]
            : [.. path.Split(':').Select(folder => (nint)strings.String((folder.Length == 0 ? "." : folder) + "/" + program))];
        Arguments = strings.Vector(argv);
        Environment = strings.Vector(environment);
        Directory = strings.String(directory);
        UidMap = strings.String(uid.ToString(CultureInfo.InvariantCulture) + " 0 1");
        GidMap = strings.String(gid.ToString(CultureInfo.InvariantCulture) + " 0 1");
        NotFound = strings.String($"moat: {program}: command not found\n");
        NotRunnable = strings.String($"moat: {program}: cannot run it (permission, or no program)\n");
        NotConfined = strings.String("moat: the sandbox could not be closed around the command; it was not started\n");
        NotObserved = strings.String("moat: this host lets nobody observe exec (another seccomp listener is there); it was not started (accept that: --downgrade exec-observation)\n");
        UidMapPath = strings.String("/proc/self/uid_map");
        GidMapPath = strings.String("/proc/self/gid_map");
        SetGroupsPath = strings.String("/proc/self/setgroups");
        Deny = strings.String("deny");
    }

    public void Dispose() => strings.Dispose();
}
