using System.Diagnostics;
using Moat.Linux.Confinement;
using Moat.Linux.Processes;

namespace Moat.Linux.Tests;

public sealed class ProcessTests
{
    [Fact]
    public void The_end_of_a_process_is_seen_and_one_that_is_gone_has_no_descriptor()
    {
        using var process = Process.Start("sleep", "1000");
        using var descriptor = PidDescriptor.TryOpen(process.Id);
        Assert.NotNull(descriptor);
        Assert.False(descriptor.WaitForEnd(TimeSpan.Zero));
        descriptor.Kill();
        Assert.True(descriptor.WaitForEnd(TimeSpan.FromSeconds(20)));
        process.WaitForExit();
        Assert.Null(PidDescriptor.TryOpen(process.Id));
        Assert.Null(PidDescriptor.TryOpen(0));
    }

    [Fact]
    public async Task A_program_gets_its_five_descriptors_and_no_other()
    {
        var (one, other) = Descriptors.SocketPair();
        var (read, write) = Descriptors.Pipe();

        // Inheritable, as something careless in the same process may have opened it.
        var stray = Libc.dup2(one, 200);
        NativeProcess process;
        using (write) process = NativeProcess.Start("/bin/sh", ["-c", "echo /proc/$$/fd/* >&4; echo said >&2; exit 5"], other, (int)write.DangerousGetHandle());
        using var reader = new StreamReader(new FileStream(read, FileAccess.Read));
        var listed = (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Split(' ').Select(p => int.Parse(Path.GetFileName(p.Trim()), System.Globalization.CultureInfo.InvariantCulture));

        // 5 is the folder that the shell reads, 10 its copy of the script's place.
        Assert.Empty(listed.Except([0, 1, 2, 3, 4, 5, 10]));
        Assert.Equal(5, await process.Exited);
        Assert.Equal("said\n", process.ErrorText());
        foreach (var descriptor in (int[])[one, other, stray]) _ = Libc.close(descriptor);
    }

    [Theory]
    [InlineData(1, "landlock-ioctl landlock-scopes")]
    [InlineData(4, "landlock-ioctl landlock-scopes")]
    [InlineData(5, "landlock-scopes")]
    [InlineData(6, "")]
    [InlineData(7, "")]
    public void An_older_Landlock_says_what_it_cannot_fence(int abi, string expected) => Assert.Equal(expected, string.Join(' ', Landlock.Missing(abi)));
}
