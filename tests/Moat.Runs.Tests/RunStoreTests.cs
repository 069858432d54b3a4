using Moat.Spec;

namespace Moat.Runs.Tests;

public class RunStoreTests
{
    [Fact]
    public void An_exact_id_wins_over_a_prefix_and_a_prefix_over_a_name()
    {
        using var scratch = new Scratch();
        using var first = scratch.Store.Create(Scratch.Spec("one", "run_aaaaaaaaaaaa", "/ws/1"));
        using var second = scratch.Store.Create(Scratch.Spec("run_aaaaaaaaaaaa", "run_bbbbbbbbbbbb", "/ws/2"));
        using var third = scratch.Store.Create(Scratch.Spec("run_bb", "run_cccccccccccc", "/ws/3"));
        Assert.Equal("run_aaaaaaaaaaaa", scratch.Store.Resolve("run_aaaaaaaaaaaa").State.Id);
        Assert.Equal("run_bbbbbbbbbbbb", scratch.Store.Resolve("run_bb").State.Id);
        Assert.Equal("run_aaaaaaaaaaaa", scratch.Store.Resolve("one").State.Id);
    }

    [Fact]
    public void An_argument_that_means_several_runs_is_refused_with_a_list()
    {
        using var scratch = new Scratch();
        using var first = scratch.Store.Create(Scratch.Spec("one", "run_aaaaaaaaaaaa", "/ws/1"));
        using var second = scratch.Store.Create(Scratch.Spec("two", "run_aaaaaaaaaaab", "/ws/2"));
        var refusal = Assert.Throws<MoatException>(() => scratch.Store.Resolve("run_aaa"));
        Assert.Contains("run_aaaaaaaaaaaa", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("run_aaaaaaaaaaab", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<MoatException>(() => scratch.Store.Resolve("no-such-run"));
        Assert.Throws<MoatException>(() => scratch.Store.Resolve(""));
    }

    [Fact]
    public void A_name_of_a_live_run_is_in_use_until_the_run_is_over()
    {
        using var scratch = new Scratch();
        var first = scratch.Store.Create(Scratch.Spec("one", "run_aaaaaaaaaaaa", "/ws/1"));
        var refusal = Assert.Throws<MoatException>(() => scratch.Store.Create(Scratch.Spec("one", workspace: "/ws/2")));
        Assert.Contains("run_aaaaaaaaaaaa", refusal.Message, StringComparison.Ordinal);
        first.Dispose();
        using var second = scratch.Store.Create(Scratch.Spec("one", workspace: "/ws/2"));
    }

    [Fact]
    public void A_second_run_in_the_same_workspace_is_refused_and_leaves_nothing()
    {
        using var scratch = new Scratch();
        using var first = scratch.Store.Create(Scratch.Spec("one", workspace: "/ws/same"));
        var refusal = Assert.Throws<MoatException>(() => scratch.Store.Create(Scratch.Spec("two", workspace: "/ws/same")));
        Assert.Contains("worktree", refusal.Mend, StringComparison.Ordinal);
        Assert.Single(scratch.Store.List());
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(scratch.State, "runs")));
        // The name that was taken on the way is free again.
        using var third = scratch.Store.Create(Scratch.Spec("two", workspace: "/ws/other"));
    }

    [Fact]
    public void A_run_whose_supervisor_is_gone_is_interrupted_and_one_that_said_its_end_is_not()
    {
        using var scratch = new Scratch();
        var killed = scratch.Store.Create(Scratch.Spec("killed", workspace: "/ws/1"));
        killed.Update(state => state with { State = RunPhase.Running });
        Assert.Equal(RunPhase.Running, scratch.Store.Resolve("killed").State.State);
        killed.Dispose();
        Assert.Equal(RunPhase.Interrupted, scratch.Store.Resolve("killed").State.State);
        var ended = scratch.Store.Create(Scratch.Spec("ended", workspace: "/ws/1"));
        ended.Update(state => state with { State = RunPhase.Stopped, ExitCode = 3 });
        ended.Dispose();
        Assert.Equal(RunPhase.Stopped, scratch.Store.Resolve("ended").State.State);
    }

    [Fact]
    public void A_live_run_is_not_removed()
    {
        using var scratch = new Scratch();
        var run = scratch.Store.Create(Scratch.Spec());
        Assert.Throws<MoatException>(() => RunStore.Remove(scratch.Store.Resolve("one")));
        run.Dispose();
        RunStore.Remove(scratch.Store.Resolve("one"));
        Assert.Empty(scratch.Store.List());
    }

    [Fact]
    public void A_broken_state_hides_no_other_run()
    {
        using var scratch = new Scratch();
        using var good = scratch.Store.Create(Scratch.Spec("good", workspace: "/ws/1"));
        using var bad = scratch.Store.Create(Scratch.Spec("bad", workspace: "/ws/2"));
        File.WriteAllText(bad.Folder.StatePath, "{");
        Assert.Equal(2, scratch.Store.List().Count);
        Assert.Equal("good", scratch.Store.Resolve("good").State.Name);
    }

    [Fact]
    public void What_is_stored_is_for_its_owner_alone()
    {
        using var scratch = new Scratch();
        using var run = scratch.Store.Create(Scratch.Spec());
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        foreach (var path in Directory.EnumerateFileSystemEntries(run.Folder.Root).Append(run.Folder.Root))
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & Others);
    }
}
