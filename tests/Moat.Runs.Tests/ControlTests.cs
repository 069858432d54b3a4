namespace Moat.Runs.Tests;

public class ControlTests
{
    [Theory, InlineData(0), InlineData(200)]
    public async Task A_supervisor_answers_its_user_also_where_the_path_is_longer_than_a_socket_address(int depth)
    {
        using var scratch = new Scratch(new string('d', depth));
        using var run = scratch.Store.Create(Scratch.Spec());
        await using var server = ControlServer.Start(run.Folder, (request, _) => Task.FromResult("heard " + request));
        Assert.Equal(RunFolder.PrivateFile, File.GetUnixFileMode(run.Folder.SocketPath));
        Assert.Equal("heard status", await RunControl.AskAsync(scratch.Store.Resolve("one"), "status", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_run_that_is_over_is_not_stopped()
    {
        using var scratch = new Scratch();
        scratch.Store.Create(Scratch.Spec()).Dispose();
        await Assert.ThrowsAsync<Spec.MoatException>(() => RunControl.StopAsync(scratch.Store.Resolve("one"), TimeSpan.Zero, TestContext.Current.CancellationToken));
    }
}
