using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>A Cedar policy over files and programs on a real run, from its text to the kernel's answer and the log.</summary>
public class FilePolicyTests
{
    private const string All = "permit (principal, action, resource);\n";

    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_folder_that_may_not_be_opened_is_hidden_and_stays_where_it_is(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, All + "forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/workspace/secrets\");");
        const string Script = """
            mkdir -p secrets && echo hidden-content > secrets/key
            """;
        await scene.Home.ScriptAsync(Script, "--name", "before");
        var held = await scene.Home.ScriptAsync("cat secrets/key; mv secrets away; cat away/key; ln secrets/key link; cat link /proc/self/root/workspace/secrets/key; touch secrets/new; echo fine > beside; cat beside", "--policy", policy, "--name", "held");
        Assert.Equal("fine\n", held.Out);
        Assert.Equal("hidden-content\n", File.ReadAllText(Path.Combine(scene.Home.Workspace, "secrets", "key")));
        Assert.Contains("\"rung\": \"landlock\"", (await scene.Home.MoatAsync("audit", "held", "--json")).Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_file_that_may_not_be_written_is_read_and_not_changed(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, All + "forbid (principal, action == Action::\"FileOpenReadWrite\", resource in Dir::\"/workspace/ci\");");
        await scene.Home.ScriptAsync("mkdir -p ci && echo original > ci/build", "--name", "before");
        var held = await scene.Home.ScriptAsync("cat ci/build; echo x > ci/build; rm -rf ci; mv ci away; touch ci/new; ls ci", "--policy", policy, "--name", "held");
        Assert.Equal("original\nbuild\n", held.Out);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_program_that_may_not_run_does_not_and_the_log_and_the_person_are_told(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, All + "forbid (principal, action == Action::\"ProcessExec\", resource == File::\"/usr/bin/nl\");");
        var held = await scene.Home.ScriptAsync("/usr/bin/nl /dev/null && echo ran; /lib64/ld-linux-x86-64.so.2 /usr/bin/nl /dev/null && echo ran; cp /usr/bin/nl x && ./x /dev/null && echo ran; echo end", "--policy", policy, "--name", "held");
        Assert.Equal("end\n", held.Out);
        Assert.Contains("moat: denied running /usr/bin/nl (policy1 (p.cedar:2))", held.Err, StringComparison.Ordinal);
        var trace = await scene.Home.MoatAsync("trace", "held", "--exec", "--json");
        Assert.Contains("\"rule\": \"policy1 (p.cedar:2)\"", trace.Out, StringComparison.Ordinal);
        Assert.Contains("\"file\": \"/usr/bin/cp\"", trace.Out, StringComparison.Ordinal);
        var followed = await scene.Home.MoatAsync("trace", "held", "--exec", "-f");
        Assert.Contains("denied", followed.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Writing_only_where_it_is_permitted(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, """
            permit (principal, action in [Action::"FileOpenReadOnly", Action::"ProcessExec"], resource);
            permit (principal, action in [Action::"FileOpenReadWrite", Action::"FileCreate", Action::"FileDelete"], resource in Dir::"/workspace");
            permit (principal, action == Action::"FileOpenReadWrite", resource in Dir::"/dev");
            """);
        var held = await scene.Home.ScriptAsync("echo x > /tmp/t; echo x > ~/t; mkdir /run/d; ls -A /tmp /home/agent /run | grep -c '^[td]$'; echo a > f && mv f g && cat g > /dev/null && rm g && echo fine", "--policy", policy);
        Assert.Equal("0\nfine\n", held.Out);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task What_cannot_be_held_stops_the_start_with_the_statement(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, All + "forbid (principal, action == Action::\"FileOpen\", resource == File::\"/workspace/later\");");
        var refused = await scene.Home.ScriptAsync("touch ran", "--policy", policy);
        Assert.Equal(125, refused.ExitCode);
        Assert.Contains("p.cedar:2:1: the statement policy1 cannot be held without BPF LSM: FileOpenReadOnly of /workspace/later", refused.Err, StringComparison.Ordinal);
        Assert.Contains("--downgrade policy-files", refused.Err, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(scene.Home.Workspace, "ran")));
        var without = await scene.Home.ScriptAsync("touch ran", "--policy", policy, "--downgrade", "policy-files");
        Assert.True(without.ExitCode == 0, without.Err);
    }

    private static string Policy(Scene scene, string text) => scene.Home.Write(Path.Combine(scene.Home.Root, "p.cedar"), text);
}
