using System.Globalization;
using System.Text;
using Moat.Spec;

namespace Moat.Kernel;

/// <summary>One component of a rule's path.</summary>
internal sealed class RuleNode(string name, RuleNode? parent)
{
    private KernelActions allowSelf, denySelf, allowBelow, denyBelow;

    public string Name { get; } = name;

    public RuleNode? Parent { get; } = parent;

    public Dictionary<string, RuleNode> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>The rights on the thing itself.</summary>
    public KernelActions Self { get; private set; }

    /// <summary>The rights on what lies in it and has no node.</summary>
    public KernelActions Below { get; private set; }

    public string Path => Parent is null ? "/" : Parent.Parent is null ? "/" + Name : Parent.Path + "/" + Name;

    public void Add(KernelFileRule rule)
    {
        if (rule.Allow) allowSelf |= rule.Actions;
        else denySelf |= rule.Actions;
        if (!rule.Beneath) return;
        if (rule.Allow) allowBelow |= rule.Actions;
        else denyBelow |= rule.Actions;
    }

    public void Settle(KernelActions inherited)
    {
        Self = (inherited | allowSelf) & ~denySelf;
        Below = (inherited | allowBelow) & ~denyBelow;
        foreach (var child in Children.Values) child.Settle(Below);
    }
}

/// <summary>The file rules as the tree of their paths, with the rights that hold at each component.</summary>
internal static class RuleTree
{
    private const int MaximumDepth = 100, MaximumName = 255;

    /// <exception cref="MoatException">A path that cannot be held.</exception>
    public static RuleNode Build(IReadOnlyList<KernelFileRule> rules, KernelActions byDefault)
    {
        var root = new RuleNode("", null);
        foreach (var rule in rules)
        {
            var node = root;
            foreach (var name in Components(rule.Path))
            {
                if (!node.Children.TryGetValue(name, out var child)) node.Children[name] = child = new RuleNode(name, node);
                node = child;
            }

            node.Add(rule);
        }

        root.Settle(byDefault);
        return root;
    }

    private static string[] Components(string path)
    {
        if (!path.StartsWith('/')) throw Refusal(path, "is not absolute");
        if (path.Contains('\0', StringComparison.Ordinal)) throw Refusal(path, "holds a NUL");
        if (path == "/") return [];
        var names = path.TrimEnd('/')[1..].Split('/');
        if (names.Length > MaximumDepth) throw Refusal(path, string.Create(CultureInfo.InvariantCulture, $"is deeper than {MaximumDepth}"));
        foreach (var name in names)
        {
            if (name is "" or "." or "..") throw Refusal(path, "holds an empty, . or .. component");
            if (Encoding.UTF8.GetByteCount(name) > MaximumName) throw Refusal(path, "holds a name of more than 255 bytes");
        }

        return names;
    }

    private static MoatException Refusal(string path, string why) =>
        new($"the kernel cannot hold a rule on {path}: the path {why}", "Write the path in full and without such components.");
}
