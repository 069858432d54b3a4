using System.Globalization;

namespace Moat.Kernel.Lsm;

/// <summary>One generation of rules as kernel maps of its own, filled before any process is judged by them.</summary>
internal sealed class PolicyGeneration : IDisposable
{
    private PolicyGeneration(BpfMap inodes, BpfMap names, BpfMap networks, SettingsValue settings, IReadOnlyDictionary<uint, string> paths)
    {
        Inodes = inodes;
        Names = names;
        Networks = networks;
        Settings = settings;
        Paths = paths;
    }

    public BpfMap Inodes { get; }

    public BpfMap Names { get; }

    public BpfMap Networks { get; }

    public SettingsValue Settings { get; }

    /// <summary>The path of each node that events may name.</summary>
    public IReadOnlyDictionary<uint, string> Paths { get; }

    /// <param name="rules">What to hold.</param>
    /// <param name="root">Where their paths begin.</param>
    /// <param name="resolver">Finds the inodes at them.</param>
    /// <param name="number">Of the generation, from 1.</param>
    /// <param name="nextNode">The first free node number; numbers are not used again, so that a late event names the right path.</param>
    public static PolicyGeneration Build(KernelRules rules, string root, InodeResolver resolver, uint number, ref uint nextNode)
    {
        var labels = new NodeLabels(root, resolver, nextNode);
        labels.Add(RuleTree.Build(rules.Files, rules.Default));
        nextNode = labels.NextNode;
        var connects = ConnectTable.Build(rules.Connects ?? []);
        var tag = number.ToString(CultureInfo.InvariantCulture);
        var generation = new PolicyGeneration(
            BpfMap.Create<InodeKey, NodeValue>(BpfMap.Hash, "inodes_" + tag, labels.Inodes.Count),
            BpfMap.Create<NameKey, NodeValue>(BpfMap.Hash, "names_" + tag, labels.Names.Count),
            BpfMap.Create<NetKey, NetRules>(BpfMap.LongestPrefix, "networks_" + tag, connects.Count),
            SettingsOf(rules, number),
            labels.Paths);
        foreach (var (key, value) in labels.Inodes) generation.Inodes.Set(key, value);
        foreach (var ((parent, name), value) in labels.Names) generation.Names.Set(NameKey.Of(parent, name), value);
        foreach (var (key, entries) in connects)
        {
            var value = default(NetRules);
            entries.CopyTo((Span<PortRule>)value);
            generation.Networks.Set(key, value);
        }

        return generation;
    }

    public void Dispose()
    {
        Inodes.Dispose();
        Names.Dispose();
        Networks.Dispose();
    }

    private static SettingsValue SettingsOf(KernelRules rules, uint number)
    {
        // The first generation finds no descriptor that an earlier one let through.
        var flags = number > 1 ? SettingsValue.Revalidate : 0;
        if (rules.Shadow) flags |= SettingsValue.Shadow;
        if (rules.Mounts) flags |= SettingsValue.Mounts;
        if (rules.ObserveExec) flags |= SettingsValue.ObserveExec;
        if (rules.ObserveOpen) flags |= SettingsValue.ObserveOpen;
        if (rules.Connects is not null) flags |= SettingsValue.Connects;
        if (rules.AbstractSockets) flags |= SettingsValue.Abstract;
        if (rules.OverlayLayers) flags |= SettingsValue.Layers;
        return new SettingsValue
        {
            Self = (uint)rules.Default,
            Below = (uint)rules.Default,
            Pseudo = (uint)rules.Anonymous,
            Flags = flags,
            Generation = number,
            Connect = rules.ConnectByDefault ? 1u : 0,
        };
    }
}
