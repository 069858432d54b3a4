using System.Net;
using System.Text;
using Moat.Kernel.Lsm;
using Moat.Spec;

namespace Moat.Kernel;

/// <summary>
/// Rung 1: the kernel's own security hooks hold the processes of one cgroup, and of all beneath it, to
/// <see cref="KernelRules"/>. Needs root, a kernel with BPF among its security modules, and cgroup version 2. Not safe for
/// use from several threads, but for <see cref="Counters"/>.
/// </summary>
public sealed class KernelEnforcer : IDisposable
{
    private const int Slots = 2;

    private readonly LsmObject programs;
    private readonly InodeResolver resolver;
    private readonly EventRings rings;
    private readonly PolicyGeneration?[] inForce = new PolicyGeneration?[Slots];
    private readonly List<KernelEvent> arrived = [];
    private readonly string cgroup;
    private uint generation;
    private uint nextNode = 1;
    private bool attached;
    private string? pins;

    private KernelEnforcer(LsmObject programs, string cgroup)
    {
        this.programs = programs;
        this.cgroup = cgroup;
        resolver = new InodeResolver(programs.Map("resolutions"));
        rings = new EventRings(programs.Map("denials"), programs.Map("events"), raw => arrived.Add(Decode(raw)));
    }

    /// <summary>How many events were folded or lost so far.</summary>
    public KernelEventCounters Counters
    {
        get
        {
            var counters = programs.Map("counters");
            return new KernelEventCounters((long)counters.Sum(0), (long)counters.Sum(1), (long)counters.Sum(2), (long)counters.Sum(3));
        }
    }

    /// <summary>Loads the programs. Nothing is judged before the first <see cref="Publish"/>.</summary>
    /// <param name="cgroup">The run's directory in the tree of cgroup version 2.</param>
    /// <exception cref="MoatException">This host does not take them; the mend says why.</exception>
    public static KernelEnforcer Load(string cgroup)
    {
        var programs = LsmObject.Load();
        try
        {
            programs.AttachResolver();
            return new KernelEnforcer(programs, cgroup);
        }
        catch
        {
            programs.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Puts rules in force, whole and at once: each judgement is wholly by the old rules or wholly by the new. The first
    /// call attaches the programs; on a later one, descriptors that are open are judged anew at each read and write.
    /// On an exception the earlier rules stay.
    /// </summary>
    /// <param name="rules">All that is to hold from now on.</param>
    /// <param name="root">The root that the rules' paths begin at: <c>/</c>, or <c>/proc/PID/root</c> of a process in the sandbox.</param>
    /// <exception cref="MoatException">A rule that cannot be held.</exception>
    /// <exception cref="IOException">The kernel refuses a map.</exception>
    public void Publish(KernelRules rules, string root = "/")
    {
        var next = PolicyGeneration.Build(rules, root, resolver, generation + 1, ref nextNode);
        var slot = (generation + 1) % Slots;
        programs.Map("inodes").Set(slot, next.Inodes.Descriptor);
        programs.Map("names").Set(slot, next.Names.Descriptor);
        programs.Map("networks").Set(slot, next.Networks.Descriptor);
        programs.Map("settings").Set(slot, next.Settings);
        programs.Map("active").Set(0u, generation + 1);

        // A write to a map of maps waits for every program that is running: after this one none uses the other slot, and
        // the next call may fill it.
        programs.Map("inodes").Set((uint)Slots, next.Inodes.Descriptor);
        generation++;
        inForce[slot]?.Dispose();
        inForce[slot] = next;
        if (!attached) Attach();
    }

    /// <summary>
    /// Has the kernel go on enforcing if this process dies: the run then stays held to the last rules until
    /// <see cref="KernelPins.Sweep"/> finds its cgroup gone.
    /// </summary>
    /// <exception cref="IOException">There is no BPF file system.</exception>
    public void Pin(string name)
    {
        pins = KernelPins.Create(name, cgroup);
        programs.Pin(pins);
    }

    /// <summary>Hands over the events that have come, waiting for the first one at most so long.</summary>
    public IReadOnlyList<KernelEvent> Read(TimeSpan wait)
    {
        arrived.Clear();
        if (!rings.Consume() && wait > TimeSpan.Zero && rings.Wait((int)wait.TotalMilliseconds)) rings.Consume();
        return [.. arrived];
    }

    /// <summary>Ends enforcement, pinned or not. Call it when the run's last process is gone.</summary>
    public void Dispose()
    {
        if (pins is not null) KernelPins.Remove(pins);
        rings.Dispose();
        programs.Dispose();
        foreach (var policy in inForce) policy?.Dispose();
    }

    private void Attach()
    {
        var resolved = resolver.Resolve("/", cgroup);
        if (resolved is not { Cgroup: > 0 and var id, Level: var level }) throw new MoatException($"{cgroup} is no directory of cgroup version 2", "Mount cgroup version 2 and make the run's cgroup there.");
        if (level == 0) throw new MoatException("the root cgroup holds every process and cannot be a run's", "Make a cgroup for the run.");
        programs.Map("scopes").Set(0u, new ScopeValue { Cgroup = id, Level = level });
        programs.AttachJudges();
        attached = true;
    }

    private KernelEvent Decode(EventValue raw)
    {
        var address = raw.Family is 2 or 10 && (KernelActions)raw.Action == KernelActions.Connect ? new IPAddress((ReadOnlySpan<byte>)raw.Address) : null;
        if (address is { IsIPv4MappedToIPv6: true }) address = address.MapToIPv4();
        return new KernelEvent(
            TimeSpan.FromTicks((long)(raw.Nanoseconds / 100)), raw.Times, (int)raw.Process, (int)raw.User, Text((ReadOnlySpan<byte>)raw.Command), (KernelActions)raw.Action,
            raw.Denied != 0, raw.Denied != 0 && raw.Shadow != 0, PathOf(raw), address is null ? null : new IPEndPoint(address, raw.Port), (int)raw.Generation);
    }

    private string PathOf(EventValue raw)
    {
        var rest = Text(((ReadOnlySpan<byte>)raw.Path)[..(int)Math.Min(raw.Length, 512)]);
        if (raw.Node == 0) return rest.Length == 0 ? "" : "…/" + rest;
        var path = inForce.Select(policy => policy?.Paths.GetValueOrDefault(raw.Node)).FirstOrDefault(found => found is not null) ?? "…";
        return rest.Length == 0 ? path : path == "/" ? "/" + rest : path + "/" + rest;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
