namespace Moat.Kernel.Lsm;

/// <summary>
/// The rule tree as the kernel's two tables: each node that exists by its inode, and each node but the root by its
/// parent's node and its name. Two paths to one inode are one node, with the rights that both give.
/// </summary>
internal sealed class NodeLabels(string root, InodeResolver resolver, uint firstNode)
{
    private readonly Dictionary<uint, string> paths = [];

    public uint NextNode { get; private set; } = firstNode;

    public Dictionary<InodeKey, NodeValue> Inodes { get; } = [];

    public Dictionary<(uint Parent, string Name), NodeValue> Names { get; } = [];

    public IReadOnlyDictionary<uint, string> Paths => paths;

    public void Add(RuleNode node) => Add(node, null);

    private void Add(RuleNode node, uint? parent)
    {
        var value = new NodeValue { Self = (uint)node.Self, Below = (uint)node.Below, Flags = node.Children.Count > 0 ? NodeValue.HasNames : 0 };
        var inode = resolver.Resolve(root, node.Path)?.Inode;
        if (inode is { } key && Inodes.TryGetValue(key, out var twin)) value = Stricter(twin, value);
        else if (parent is { } known && Names.TryGetValue((known, node.Name), out var namesake)) value = Stricter(namesake, value);
        else value.Id = NextNode++;

        paths.TryAdd(value.Id, node.Path);
        if (inode is { } found) Inodes[found] = value;
        if (parent is { } up) Names[(up, node.Name)] = value;
        foreach (var child in node.Children.Values) Add(child, value.Id);
    }

    /// <summary>What both give; by the name of the first.</summary>
    private static NodeValue Stricter(NodeValue first, NodeValue second) =>
        new() { Id = first.Id, Self = first.Self & second.Self, Below = first.Below & second.Below, Flags = first.Flags | second.Flags };
}
