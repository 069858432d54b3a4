using CsCheck;
using Moat.Spec;

namespace Moat.Kernel.Tests;

public sealed class RuleTreeTests
{
    private static readonly Gen<string> Paths = Gen.Select(Gen.Int[0, 2].Select(i => "abc"[i..(i + 1)]).Array[1, 4], names => "/" + string.Join('/', names));

    private static readonly Gen<KernelFileRule> Rules =
        Gen.Select(Paths, Gen.Bool, Gen.Int[1, (int)KernelActions.All], Gen.Bool, (path, beneath, actions, allow) => new KernelFileRule(path, beneath, (KernelActions)actions, allow));

    [Fact]
    public void The_tree_gives_each_path_the_rights_that_the_rules_say_one_by_one() =>
        Gen.Select(Rules.Array[0, 12], Gen.Int[0, (int)KernelActions.All], Paths).Sample((rules, byDefault, path) =>
            Assert.Equal(Said(rules, (KernelActions)byDefault, path), Walked(RuleTree.Build(rules, (KernelActions)byDefault), path)));

    [Theory]
    [InlineData("relative")]
    [InlineData("/a/../b")]
    [InlineData("/a//b")]
    [InlineData("/./a")]
    public void A_path_that_no_walk_meets_is_refused_and_not_dropped(string path) =>
        Assert.Throws<MoatException>(() => RuleTree.Build([new KernelFileRule(path, true, KernelActions.Read, false)], KernelActions.All));

    [Fact]
    public void A_name_or_depth_that_the_kernel_cannot_hold_is_refused()
    {
        Assert.Throws<MoatException>(() => RuleTree.Build([new KernelFileRule("/" + new string('x', 256), true, KernelActions.Read, false)], KernelActions.All));
        Assert.Throws<MoatException>(() => RuleTree.Build([new KernelFileRule(string.Concat(Enumerable.Repeat("/x", 101)), true, KernelActions.Read, false)], KernelActions.All));
    }

    /// <summary>The rule on rules, word for word: per action the longest path decides, of equal paths the denial.</summary>
    private static KernelActions Said(KernelFileRule[] rules, KernelActions byDefault, string path)
    {
        var rights = KernelActions.None;
        for (var bit = 1; bit < (int)KernelActions.All; bit <<= 1)
        {
            var action = (KernelActions)bit;
            var deciding = rules
                .Where(rule => rule.Actions.HasFlag(action) && (rule.Path == path || (rule.Beneath && path.StartsWith(rule.Path + "/", StringComparison.Ordinal))))
                .GroupBy(rule => rule.Path.Length).MaxBy(group => group.Key);
            if (deciding is null ? byDefault.HasFlag(action) : deciding.All(rule => rule.Allow)) rights |= action;
        }

        return rights;
    }

    /// <summary>What the programs do with the tree.</summary>
    private static KernelActions Walked(RuleNode node, string path)
    {
        foreach (var name in path[1..].Split('/'))
        {
            if (!node.Children.TryGetValue(name, out var child)) return node.Below;
            node = child;
        }

        return node.Self;
    }
}
