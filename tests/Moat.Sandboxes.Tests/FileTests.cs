using Moat.Spec;

namespace Moat.Sandboxes.Tests;

/// <summary>T-70, T-74, T-75: what the agent sees of files is the sandbox's own view, by whatever path it asks.</summary>
public sealed class FileTests
{
    [Fact]
    public async Task T_70_links_out_of_the_workspace_lead_to_the_sandboxs_own_view()
    {
        await using var fixture = new SandboxFixture();
        var secret = Path.Combine(fixture.Outside, "secret");
        File.WriteAllText(secret, "host-only");
        File.CreateSymbolicLink(Path.Combine(fixture.Workspace, "file"), secret);
        File.CreateSymbolicLink(Path.Combine(fixture.Workspace, "folder"), fixture.Outside);
        File.CreateSymbolicLink(Path.Combine(fixture.Workspace, "shadow"), "/etc/shadow");
        File.CreateSymbolicLink(Path.Combine(fixture.Workspace, "passwd"), "/etc/passwd");
        var (_, output, _) = await fixture.ShellAsync($$"""
            for p in file folder/secret shadow {{secret}} /proc/self/root{{secret}} /proc/self/cwd/..{{secret}} /proc/$$/root{{secret}} /proc/1/root{{secret}} /dev/fd/../../..{{secret}}; do cat $p 2>/dev/null && echo "seen $p"; done
            for fd in $(ls /proc/1/fd 2>/dev/null); do cat /proc/1/fd/$fd/{{secret}} && echo seen; done
            echo x > folder/new 2>/dev/null && echo written
            mkdir -p {{fixture.Outside}} 2>/dev/null; echo evil > file 2>/dev/null
            grep -c . passwd; ls / | tr '\n' ' '
            """);
        Assert.DoesNotContain("host-only", output, StringComparison.Ordinal);
        Assert.DoesNotContain("seen", output, StringComparison.Ordinal);
        Assert.DoesNotContain("written", output, StringComparison.Ordinal);
        Assert.StartsWith("3\n", output, StringComparison.Ordinal);
        Assert.Equal("host-only", File.ReadAllText(secret));
        Assert.Equal(["secret"], Directory.EnumerateFileSystemEntries(fixture.Outside).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Mounts_are_as_writable_as_they_say_and_hide_what_they_exclude()
    {
        await using var fixture = new SandboxFixture();
        var source = fixture.Outside;
        Directory.CreateDirectory(Path.Combine(source, "hidden"));
        File.WriteAllText(Path.Combine(source, "hidden", "key"), "hidden-content");
        File.WriteAllText(Path.Combine(source, "plain"), "plain-content");
        var spec = fixture.Spec("sh", "-c", "cat /data/plain /same/plain; ls -A /data/hidden /same/hidden; echo x > /data/new || echo ro; rm -f /data/plain || echo ro; echo x > /same/made; cat /same/made") with
        {
            Mounts = [new MountSpec(source, "/data", true, ["hidden"]), new MountSpec(source, "/same", false, ["hidden"])],
        };
        var (code, output, _) = await fixture.RunAsync(spec);
        Assert.Equal(0, code);
        Assert.Equal("plain-contentplain-content/data/hidden:\n\n/same/hidden:\nro\nro\nx\n", output);
        Assert.True(File.Exists(Path.Combine(source, "made")));
        Assert.Equal("hidden-content", File.ReadAllText(Path.Combine(source, "hidden", "key")));
    }

    [Fact]
    public async Task A_file_of_the_run_stands_over_the_hosts_and_in_new_places_and_is_read_only()
    {
        await using var fixture = new SandboxFixture();
        SandboxFile[] files = [new("/etc/os-release", "ID=mine\n"u8.ToArray()), new("/etc/moat/deep/er/new", "new\n"u8.ToArray()), new("/home/agent/.config/x", "home\n"u8.ToArray())];
        var (_, output, error) = await fixture.RunAsync(
            fixture.Spec("sh", "-c", "cat /etc/os-release /etc/moat/deep/er/new ~/.config/x; for f in /etc/os-release /etc/moat/deep/er/new ~/.config/x; do echo bad > $f || echo ro; rm -f $f && echo gone; done; touch ~/.config/y && echo own-config"),
            "", [.. files]);
        Assert.True(output == "ID=mine\nnew\nhome\nro\nro\nro\nown-config\n", output + error);
    }

    [Fact]
    public async Task T_74_T_75_sockets_of_the_host_are_absent_and_run_is_empty()
    {
        await using var fixture = new SandboxFixture();
        var (_, output, _) = await fixture.ShellAsync("ls -A /run /var/run/ | tr -d '\\n'; echo; find / -xdev \\( -path /proc -o -path /usr \\) -prune -o -type s -print 2>/dev/null; ls -d /var/run/docker.sock /run/containerd /run/user /run/dbus /tmp/.X11-unix /sys /boot /lost+found /root /mnt /srv 2>/dev/null; env | grep -iE 'ssh|dbus|display|xdg'; echo end");
        Assert.Equal("/run:/var/run/:\nend\n", output);
    }

    [Fact]
    public async Task T_77_the_runs_own_state_is_not_inside()
    {
        await using var fixture = new SandboxFixture();
        var spec = fixture.Spec("sh", "-c", "ls -A /.moat; cat /proc/self/mountinfo | wc -l >/dev/null; echo x > /.moat/init; rm -f /.moat/init; ls -A /.moat; chmod 777 /.moat; touch /.moat/x; mkdir /new");
        var (_, output, _) = await fixture.RunAsync(spec);
        Assert.Equal("init\ninit\n", output);
    }
}
