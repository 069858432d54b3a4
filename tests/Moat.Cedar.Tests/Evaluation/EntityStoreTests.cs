using CsCheck;

namespace Moat.Cedar.Tests.Evaluation;

public sealed class EntityStoreTests
{
    [Fact]
    public void What_an_entity_is_in_is_in_what_that_is_in()
    {
        var store = EntityStore.Create(Entity("a", "b"), Entity("b", "c", "d"), Entity("d", "e"));
        Assert.True(store.IsIn(Uid("a"), Uid("e")));
        Assert.True(store.IsIn(Uid("b"), Uid("c")));
        Assert.True(store.IsIn(Uid("z"), Uid("z")));
        Assert.False(store.IsIn(Uid("e"), Uid("a")));
        Assert.Equal(4, store.Ancestors(Uid("a")).Length);
    }

    [Theory]
    [InlineData("a a")]
    [InlineData("a b", "b a")]
    [InlineData("a b", "b c", "c d", "d b")]
    public void Cycles_are_refused(params string[] edges)
    {
        var entities = edges.Select(e => Entity(e.Split(' ')[0], e.Split(' ')[1]));
        Assert.Contains("in itself", Assert.Throws<CedarException>(() => EntityStore.Create(entities)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_entity_may_be_given_twice_only_alike()
    {
        Assert.Equal(1, EntityStore.Create(Entity("a", "b"), Entity("a", "b")).Count);
        Assert.Throws<CedarException>(() => EntityStore.Create(Entity("a", "b"), Entity("a", "c")));
        Assert.Throws<CedarException>(() => EntityStore.Create(Entity("a", "b")).Add(Entity("a")));
    }

    [Fact]
    public void A_hierarchy_deeper_than_the_stack_is_walked()
    {
        const int Depth = 20_000;
        var chain = Enumerable.Range(0, Depth).Select(i => i % 100 == 99 ? Entity($"{i}") : Entity($"{i}", $"{i + 1}"));
        Assert.Equal(Depth, EntityStore.Create(chain).Count);
        var deep = Enumerable.Range(0, 3_000).Select(i => Entity($"{i}", $"{i + 1}"));
        EntityStore? store = null;
        var thread = new Thread(() => store = EntityStore.Create(deep), 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.True(store!.IsIn(Uid("0"), Uid("3000")));
    }

    [Fact]
    public void Entities_added_in_any_order_are_in_what_those_given_at_once_are_in()
    {
        // Edges lead to greater names only, but for a few that make a cycle.
        var edge = Gen.Select(Gen.Int[0, 8], Gen.Int[0, 8], Gen.Int[0, 30], (a, b, odd) => odd == 0 ? (Math.Max(a, b), Math.Min(a, b)) : (Math.Min(a, b), Math.Max(a, b) + 1));
        Gen.Select(edge.Array[0, 12], Gen.Int[1, 4]).Sample((edges, pieces) =>
        {
            Entity[] entities = [.. edges.GroupBy(e => e.Item1).Select(g => Entity($"{g.Key}", [.. g.Select(e => $"{e.Item2}").Distinct()]))];
            EntityStore? whole = null;
            var refused = Record.Exception(() => whole = EntityStore.Create(entities)) is not null;
            EntityStore? grown = EntityStore.Empty;
            var refusedLate = Record.Exception(() =>
            {
                foreach (var piece in entities.Chunk(pieces)) grown = grown.Add(piece);
            }) is not null;
            Assert.Equal(refused, refusedLate);
            if (refused) return;
            Assert.Equal(whole!.Count, grown.Count);
            for (var a = 0; a < 10; a++)
            {
                for (var b = 0; b < 10; b++) Assert.Equal(whole.IsIn(Uid($"{a}"), Uid($"{b}")), grown.IsIn(Uid($"{a}"), Uid($"{b}")));
            }
        }, iter: 3_000);
    }

    private static EntityUid Uid(string id) => new(new("T"), id);

    private static Entity Entity(string id, params string[] parents) => new(Uid(id), parents: parents.Select(Uid));
}
