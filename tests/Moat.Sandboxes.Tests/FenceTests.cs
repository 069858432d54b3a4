using Moat.Linux.Confinement;

namespace Moat.Sandboxes.Tests;

/// <summary>
/// What a policy takes away, attacked: each way to a file that is hidden or closed works in a sandbox without the policy
/// and fails in one with it.
/// </summary>
public sealed class FenceTests
{
    /// <summary>Ways to read a file; <c>$f</c> is its path, <c>$d</c> its folder, <c>$n</c> its name.</summary>
    public static TheoryData<string, string> Reads() => new()
    {
        { "plain", "cat $f" },
        { "spelling", "cat $d/.//../$(basename $d)/./$n" },
        { "symbolic link", "ln -s $f /tmp/link && cat /tmp/link" },
        { "link to the folder", "ln -s $d /tmp/folder && cat /tmp/folder/$n" },
        { "hard link", "ln $f $d/../hard && cat $d/../hard" },
        { "rename of the file", "mv $f $d/moved && cat $d/moved" },
        { "rename of the folder", "mv $d $d-moved && cat $d-moved/$n" },
        { "rename of a folder above", "mv /workspace/top /workspace/other && cat /workspace/other/secrets/$n" },
        { "exchange", """python3 -c 'import ctypes,sys; open("/workspace/x","w").write("y"); r=ctypes.CDLL(None).renameat2(-100, sys.argv[1].encode(), -100, b"/workspace/x", 2); sys.exit(r != 0)' $f && cat /workspace/x""" },
        { "root of the process", "cat /proc/self/root$f" },
        { "root of init", "cat /proc/self/root$f || cat /proc/1/root$f" },
        { "working directory", "cd $d && cat /proc/self/cwd/$n" },
        { "O_PATH, opened again", """python3 -c 'import os,sys; fd=os.open(sys.argv[1], os.O_PATH); print(os.read(os.open("/proc/self/fd/%d" % fd, 0), 99).decode())' $f""" },
        { "openat2", """python3 -c 'import ctypes,os,sys; h=(ctypes.c_uint64*3)(0,0,0); fd=ctypes.CDLL(None).syscall(437, -100, sys.argv[1].encode(), h, 24); print(os.read(fd, 99).decode())' $f""" },
        { "folder as descriptor", """python3 -c 'import os,sys; d=os.open(os.path.dirname(sys.argv[1]), os.O_PATH); print(os.read(os.open(os.path.basename(sys.argv[1]), 0, dir_fd=d), 99).decode())' $f""" },
        { "mapped", """python3 -c 'import mmap,os,sys; fd=os.open(sys.argv[1], 0); print(mmap.mmap(fd, 0, prot=1)[:].decode())' $f""" },
        { "copied", "cp $f /tmp/copy && cat /tmp/copy" },
        { "mode changed", "chmod 777 $f; cat $f" },
        { "as a script", "sh $f" },
        { "redirection", "cat < $f" },
    };

    /// <summary>Ways to change a file that may be read.</summary>
    public static TheoryData<string, string> Writes() => new()
    {
        { "write", "echo x > $f" },
        { "append", "echo x >> $f" },
        { "truncate", "truncate -s 0 $f" },
        { "open for both", "exec 5<> $f && echo x >&5" },
        { "remove", "rm -f $f" },
        { "rename", "mv $f $d/moved" },
        { "rename over", "echo x > /workspace/new && mv /workspace/new $f" },
        { "rename of the folder", "mv $d /workspace/away" },
        { "rename of a folder above", "mv /workspace/top /workspace/away" },
        { "new file", "touch $d/new" },
        { "new folder", "mkdir $d/new" },
        { "link into it", "ln -s /etc/passwd $d/new" },
        { "hard link, then write", "ln $f /workspace/hard && echo x > /workspace/hard" },
        { "O_PATH, opened again", """python3 -c 'import os,sys; fd=os.open(sys.argv[1], os.O_PATH); os.write(os.open("/proc/self/fd/%d" % fd, 1), b"x")' $f""" },
        { "reading, opened again for writing", """python3 -c 'import os,sys; fd=os.open(sys.argv[1], 0); os.write(os.open("/proc/self/fd/%d" % fd, 1), b"x")' $f""" },
        { "temporary file linked in", """python3 -c 'import ctypes,os,sys; d=os.path.dirname(sys.argv[1]); fd=os.open(d, os.O_TMPFILE | os.O_WRONLY); ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % fd, -100, (d + "/new").encode(), 0x400)' $f""" },
    };

    [Theory, MemberData(nameof(Reads))]
    public async Task A_hidden_folder_gives_its_files_to_nobody(string way, string script)
    {
        Assert.NotEmpty(way);
        Assert.True(await ReadsAsync(script, null), "the way does not work even without a policy");
        Assert.False(await ReadsAsync(script, new FileFence(Everything, [("/workspace/top/secrets", true)], ["/workspace/top"])));
    }

    [Theory, MemberData(nameof(Reads))]
    public async Task A_hidden_file_is_read_by_nobody(string way, string script)
    {
        Assert.NotEmpty(way);
        Assert.False(await ReadsAsync(script, new FileFence(Everything, [("/workspace/top/secrets/key", true)], ["/workspace/top", "/workspace/top/secrets"])));
    }

    [Theory, MemberData(nameof(Writes))]
    public async Task A_closed_folder_is_read_and_changed_by_nobody(string way, string script)
    {
        Assert.NotEmpty(way);
        Assert.True(await WritesAsync(script, null), "the way does not work even without a policy");
        Assert.False(await WritesAsync(script, new FileFence(Everything, [("/workspace/top/secrets", false)], ["/workspace/top"])));
    }

    [Theory, MemberData(nameof(Writes))]
    public async Task Where_nothing_is_granted_nothing_is_changed(string way, string script)
    {
        Assert.NotEmpty(way);
        Assert.False(await WritesAsync(script, new FileFence([("/", LandlockUse.Read | LandlockUse.Execute), ("/dev", LandlockUse.Write), ("/tmp", LandlockUse.All)], [], [])));
    }

    [Theory]
    [InlineData("plain", "$p")]
    [InlineData("by name", "env nl /dev/null")]
    [InlineData("symbolic link", "ln -s $p /tmp/nl && /tmp/nl")]
    [InlineData("root of the process", "/proc/self/root$p")]
    [InlineData("dynamic loader", "/lib64/ld-linux-x86-64.so.2 $p")]
    [InlineData("copy", "cp $p /workspace/nl && /workspace/nl")]
    [InlineData("copy under another name in memory", """python3 -c 'import os; m=os.memfd_create("m"); os.write(m, open("/usr/bin/nl","rb").read()); os.execve(m, ["nl"], {})'""")]
    [InlineData("descriptor", """python3 -c 'import os; os.execve(os.open("/usr/bin/nl", os.O_PATH), ["nl"], {})'""")]
    [InlineData("hard link", "ln $p /workspace/nl && /workspace/nl || ln $p /tmp/nl && /tmp/nl || $p")]
    [InlineData("interpreter line", "printf '#!/usr/bin/nl\\n' > /tmp/s && chmod +x /tmp/s && /tmp/s")]
    [InlineData("interpreter's code", """python3 -c 'import subprocess,sys; sys.exit(subprocess.run(["/usr/bin/nl"], stdin=0).returncode)'""")]
    [InlineData("mapped as code", """python3 -c 'import mmap,os; mmap.mmap(os.open("/usr/bin/nl", 0), 4096, flags=2, prot=5); print("x")'""")]
    public async Task A_hidden_program_runs_in_no_way(string way, string script)
    {
        Assert.NotEmpty(way);
        script = "p=/usr/bin/nl; (" + script + ") && echo ran";
        Assert.EndsWith("ran\n", await OutputAsync(script, null), StringComparison.Ordinal);
        Assert.DoesNotContain("ran", await OutputAsync(script, new FileFence(Everything, [("/usr/bin/nl", true)], [])), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_beside_a_mask_works_as_before()
    {
        var fence = new FileFence(Everything, [("/workspace/top/secrets/key", true)], ["/workspace/top", "/workspace/top/secrets"]);
        Assert.Equal("a\nb\n", await OutputAsync("cd /workspace/top/secrets && echo a > n && mv n m && cat m && ln m o && rm m && mkdir d && mv o d/ && echo b > ../../w && cat ../../w", fence));
    }

    private static readonly System.Collections.Immutable.ImmutableArray<(string, LandlockUse)> Everything =
        [("/", LandlockUse.ReadOnly), ("/dev", LandlockUse.Write), ("/tmp", LandlockUse.All), ("/home/agent", LandlockUse.All), ("/workspace", LandlockUse.All)];

    private static async Task<bool> ReadsAsync(string script, FileFence? fence) =>
        (await OutputAsync("f=/workspace/top/secrets/key; d=/workspace/top/secrets; n=key; " + script, fence)).Contains("hidden-content", StringComparison.Ordinal);

    private static async Task<bool> WritesAsync(string script, FileFence? fence)
    {
        await using var fixture = new SandboxFixture();
        var folder = Prepare(fixture);
        var (_, read, _) = await fixture.RunAsync(fixture.Spec("sh", "-c", "f=/workspace/top/secrets/key; d=/workspace/top/secrets; n=key; cat $f; " + script), fence: fence);
        Assert.StartsWith(Content, read, StringComparison.Ordinal);
        return !Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).SequenceEqual(["key"]) || File.ReadAllText(Path.Combine(folder, "key")) != Content;
    }

    private const string Content = "echo hidden-content\n";

    private static async Task<string> OutputAsync(string script, FileFence? fence)
    {
        await using var fixture = new SandboxFixture();
        Prepare(fixture);
        return (await fixture.RunAsync(fixture.Spec("sh", "-c", script), fence: fence)).Out;
    }

    private static string Prepare(SandboxFixture fixture)
    {
        var folder = Directory.CreateDirectory(Path.Combine(fixture.Workspace, "top", "secrets")).FullName;
        File.WriteAllText(Path.Combine(folder, "key"), Content);
        return folder;
    }
}
