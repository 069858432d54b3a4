using System.Net;

namespace Moat.Kernel;

/// <summary>
/// One rule on files. A rule reaches <see cref="Path"/> and, with <see cref="Beneath"/>, all that lies in it. For each
/// action by itself the rule with the longest path decides; of rules with the same path a denial decides; where no rule
/// reaches, <see cref="KernelRules.Default"/> does. Nothing need exist: a rule holds for whatever comes to stand at its
/// path. A file that the paths of several rules lead to (hard link, bind mount) has the rights that all of them give.
/// </summary>
/// <param name="Path">Absolute, without empty, <c>.</c> or <c>..</c> components; a final slash counts for nothing.</param>
/// <param name="Beneath">Reaches what lies in the path too.</param>
/// <param name="Actions">The actions that the rule is about; on all others it says nothing.</param>
/// <param name="Allow">Allows them; else denies them.</param>
public sealed record KernelFileRule(string Path, bool Beneath, KernelActions Actions, bool Allow);

/// <summary>Which transport a connect rule is about.</summary>
public enum KernelTransport
{
    Any = 0,
    Tcp = 6,
    Udp = 17,
}

/// <summary>
/// One rule on connections. The narrowest network that holds the address is asked first; within it the narrowest range of
/// ports, then the one transport before any, then denial before permission; what it leaves open is asked of the next wider network.
/// </summary>
/// <param name="Network">Of version 4 or 6; an address of version 4 written as one of version 6 is judged as the former.</param>
/// <param name="Low">The first port, 0 to 65535.</param>
/// <param name="High">The last port, not below <paramref name="Low"/>.</param>
/// <param name="Transport">Where the rule is about one only.</param>
/// <param name="Allow">Allows; else denies.</param>
public sealed record KernelConnectRule(IPNetwork Network, int Low, int High, KernelTransport Transport, bool Allow);

/// <summary>All that the kernel holds one run to.</summary>
public sealed record KernelRules
{
    public IReadOnlyList<KernelFileRule> Files { get; init; } = [];

    /// <summary>Null: connections and sockets are not judged here.</summary>
    public IReadOnlyList<KernelConnectRule>? Connects { get; init; }

    /// <summary>What may be done where no file rule reaches.</summary>
    public KernelActions Default { get; init; } = KernelActions.All;

    /// <summary>What may be done with files that no path leads to: memfd, pipes. Without Execute, no program runs from memory.</summary>
    public KernelActions Anonymous { get; init; } = KernelActions.All;

    /// <summary>Whether an address without a rule may be connected to.</summary>
    public bool ConnectByDefault { get; init; }

    /// <summary>Whether the run may mount and unmount.</summary>
    public bool Mounts { get; init; }

    /// <summary>Whether abstract UNIX sockets may be connected to.</summary>
    public bool AbstractSockets { get; init; } = true;

    /// <summary>Denials are recorded and let through.</summary>
    public bool Shadow { get; init; }

    /// <summary>Each exec that is allowed is recorded.</summary>
    public bool ObserveExec { get; init; }

    /// <summary>Each distinct file that is opened is recorded.</summary>
    public bool ObserveOpen { get; init; }

    /// <summary>An overlay lies over other file systems in the run's view: metadata writes that no rule reaches are its own and let through.</summary>
    public bool OverlayLayers { get; init; }
}
