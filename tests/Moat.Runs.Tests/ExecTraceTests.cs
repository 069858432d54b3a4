using System.Text;
using Moat.Audit;
using Moat.Credentials;
using Moat.Linux.Confinement;

namespace Moat.Runs.Tests;

public class ExecTraceTests
{
    [Fact]
    public async Task An_exec_is_read_back_as_it_was_told_and_secrets_that_the_agent_holds_are_masked()
    {
        using var scratch = new Scratch();
        using var run = scratch.Store.Create(Scratch.Spec());
        using var key = AuditKey.Generate();
        var value = Guid.NewGuid().ToString("n");
        using var secret = Secret.Copy(Encoding.UTF8.GetBytes(value));
        await using (var audit = AuditLog.Create(run.Folder.AuditPath, new AuditOptions { Origin = "moat/test", Key = key }))
        {
            new ExecRecorder(new Dictionary<string, Secret> { ["S"] = secret }, _ => { }) { Audit = audit }.Record(new ExecAttempt
            {
                Pid = 12,
                ParentPid = 11,
                Path = "./tool",
                File = "/workspace/tool",
                Directory = "/workspace",
                Truncated = true,
                Arguments = ["tool", $"--key={value}", value + value, "plain"],
            });
        }

        Assert.DoesNotContain(value, File.ReadAllText(run.Folder.AuditPath), StringComparison.Ordinal);
        var entry = Assert.Single(ExecTrace.Read(run.Folder));
        Assert.Equal((12, 11, "./tool", "/workspace/tool", "/workspace", true), ((int)entry.Pid, (int)entry.ParentPid, entry.Path, entry.File, entry.Directory, entry.Truncated));
        Assert.Equal(["tool", "--key=" + new string('*', value.Length), new string('*', 2 * value.Length), "plain"], entry.Arguments);
        Assert.Empty(NetworkTrace.Read(run.Folder));
    }
}
