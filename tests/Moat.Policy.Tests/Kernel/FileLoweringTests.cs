using CsCheck;
using Moat.Cedar;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>
/// Policies over files as rules of the kernel: whatever is not refused decides every path as Cedar does. The kernel is
/// simulated from what Landlock and mounts are documented to do, not from how the rules were found.
/// </summary>
public class FileLoweringTests
{
    private static readonly string[] Folders = ["/", "/usr", "/usr/bin", "/w", "/w/a", "/w/a/b", "/w/c", "/tmp", "/m"];
    private static readonly string[] Files = ["/usr/bin/x", "/usr/bin/y", "/w/f", "/w/a/g", "/w/a/b/h", "/w/c/i", "/m/j"];
    private static readonly string[] Absent = ["/usr/none", "/w/new", "/w/a/new", "/w/new/deep", "/tmp/t", "/w/a/b/new", "/m/none"];
    private static readonly string[] Actions = ["FileOpenReadOnly", "FileOpenReadWrite", "FileCreate", "FileDelete", "FileRename", "ProcessExec"];

    private static readonly FileView View = new()
    {
        Areas =
        [
            new("/", FileRights.Read | FileRights.Execute), new("/w", FileRights.All), new("/tmp", FileRights.All), new("/m", FileRights.Read | FileRights.Execute),
        ],
        Kind = path => Folders.Contains(path) ? PlaceKind.Folder : Files.Contains(path) ? PlaceKind.File : PlaceKind.Absent,
        Ambiguity = static _ => null,
        OtherName = static _ => null,
    };

    [Fact]
    public void Rules_decide_every_path_as_Cedar_does()
    {
        var held = 0;
        var masked = 0;
        Statements.Array[1, 5].Sample(statements =>
        {
            var text = string.Join('\n', statements);
            KernelRules? rules;
            try
            {
                rules = PolicyStart.Lower(Spec(text), View, 7);
            }
            catch (MoatException)
            {
                return;
            }

            var policies = PolicyFile.Read(text, "p.cedar").Policies;
            if (rules is not null) Interlocked.Increment(ref held);
            if (rules is { Masks.Length: > 0 }) Interlocked.Increment(ref masked);
            foreach (var path in (IEnumerable<string>)[.. Files, .. Absent, "/usr/bin/other", "/w/other", "/w/a/other", "/w/a/b/other", "/w/c/other", "/tmp/other"]) Compare(policies, rules, path, text);
        }, iter: 3_000);
        Assert.True(held > 100 && masked > 10, $"{held} held, {masked} with masks");
    }

    [Theory]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/w/a\");", "hidden /w/a", "")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource == File::\"/w/a/g\");", "hidden /w/a/g", "/w/a")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpenReadWrite\", resource in Dir::\"/w/a/b\");", "read-only /w/a/b", "/w/a")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"ProcessExec\", resource == File::\"/usr/bin/x\");", "hidden /usr/bin/x", "")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpenReadWrite\", resource in Dir::\"/tmp\");", "", "")]
    [InlineData("permit (principal, action == Action::\"FileOpen\", resource in Dir::\"/w\"); permit (principal, action == Action::\"FileOpenReadOnly\", resource in Dir::\"/usr\");", "", "")]
    public void A_statement_that_mounts_and_Landlock_can_say_is_held(string text, string masks, string pins)
    {
        var rules = PolicyStart.Lower(Spec(text), View, 7);
        Assert.NotNull(rules);
        Assert.Equal(masks, string.Join(' ', rules.Masks.Select(m => (m.Hidden ? "hidden " : "read-only ") + m.Path)));
        Assert.Equal(pins, string.Join(' ', rules.Pins));
    }

    [Theory]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource == File::\"/w/new\");", "policy-files", "FileOpenReadOnly of /w/new")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileDelete\", resource == File::\"/w/f\");", "policy-files", "FileDelete of /w/f")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileRename\", resource in Dir::\"/w\");", "policy-files", "FileRename of /w")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"ProcessExec\", resource in Dir::\"/w\");", "policy-exec", "dynamic loader")]
    [InlineData("permit (principal, action == Action::\"ProcessExec\", resource in Dir::\"/usr\");", "policy-exec", "memory")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource == File::\"/w/../w/f\");", "policy-files", "one spelling")]
    public void A_statement_that_they_cannot_say_stops_the_start_by_name_unless_it_is_gone_without(string text, string downgrade, string why)
    {
        var error = Assert.Throws<MoatException>(() => PolicyStart.Lower(Spec(text), View, 7));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.Contains(text.StartsWith("permit (principal, action, resource)", StringComparison.Ordinal) ? "policy1" : "policy0", error.Message, StringComparison.Ordinal);
        Assert.Contains("--downgrade " + downgrade, error.Mend, StringComparison.Ordinal);
        Assert.Null(PolicyStart.Lower(Spec(text) with { Downgrades = [downgrade] }, View, 7));
    }

    [Fact]
    public void Without_a_Landlock_that_fences_truncation_and_in_shadow_mode_nothing_is_claimed()
    {
        const string Text = "permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/w/a\");";
        Assert.Contains("Landlock", Assert.Throws<MoatException>(() => PolicyStart.Lower(Spec(Text), View, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("shadow", Assert.Throws<MoatException>(() => PolicyStart.Lower(Spec(Text) with { Policy = new PolicySpec("p.cedar", Text, PolicyMode.Shadow) }, View, 7)).Message, StringComparison.Ordinal);
        Assert.Null(PolicyStart.Lower(Spec("permit (principal, action, resource);"), View, 0));
    }

    [Fact]
    public void A_path_that_is_a_link_or_has_a_second_name_is_refused()
    {
        const string Text = "permit (principal, action, resource); forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/w/a\");";
        Assert.Contains("leads elsewhere", Assert.Throws<MoatException>(() => PolicyStart.Lower(Spec(Text), View with { Ambiguity = _ => "leads elsewhere" }, 7)).Message, StringComparison.Ordinal);
        Assert.Contains("hard link", Assert.Throws<MoatException>(() => PolicyStart.Lower(Spec(Text), View with { OtherName = path => path + "/g" }, 7)).Message, StringComparison.Ordinal);
    }

    private static Gen<string> Statements
    {
        get
        {
            var action = Gen.OneOf(
                Gen.Const("action"), Gen.OneOf((string[])[.. Actions, "FileOpen"]).Select(a => $"action == Action::\"{a}\""),
                Gen.Const("action in [Action::\"FileOpenReadWrite\", Action::\"FileCreate\", Action::\"FileDelete\", Action::\"FileRename\"]"), Gen.Const("action in [Action::\"FileOpen\", Action::\"ProcessExec\"]"));
            var folder = Gen.OneOf((string[])[.. Folders, .. Files, "/w/new", "/usr/none"]).Select(p => $"resource in Dir::\"{p}\"");
            var file = Gen.OneOf((string[])[.. Files, .. Absent, "/w/a", "/usr/bin"]).Select(p => $"resource == File::\"{p}\"");
            var statement = Gen.Select(Gen.OneOf("permit", "forbid"), action, Gen.OneOf(folder, file, folder), (effect, a, r) => $"{effect} (principal, {a}, {r});");
            var unless = Gen.Select(action, folder, folder, (a, r, u) => $"forbid (principal, {a}, {r}) unless {{ {u} }};");
            var all = Gen.Const("permit (principal, action, resource);");
            return Gen.Frequency((3, all), (5, statement), (1, unless));
        }
    }

    // What the documentation promises of each operation, from Cedar's answers alone.
    private static void Compare(PolicySet policies, KernelRules? rules, string path, string text)
    {
        bool writable = Below("/w", path) || Below("/tmp", path), hidden = false, closed = !writable;
        foreach (var mask in rules?.Masks ?? [])
        {
            if (!Below(mask.Path, path)) continue;
            hidden |= mask.Hidden;
            closed = true;
        }

        bool Kernel(FileRights right, string at) => !hidden && (rules is null || rules.Grants.Any(g => Below(g.Path, at) && (g.Rights & right) != 0));
        var folder = path[..Math.Max(1, path.LastIndexOf('/'))];
        bool read = Kernel(FileRights.Read, path), write = !closed && Kernel(FileRights.Write, path), run = read && Kernel(FileRights.Execute, path);
        bool create = !closed && Kernel(FileRights.Create, folder), delete = !closed && Kernel(FileRights.Delete, folder) && !(rules?.Pins.Contains(path) ?? false);

        bool Cedar(string action) => Decide(policies, action, path);
        // Nothing is there and nothing may or can be made there: no decision has an effect.
        var nothing = View.Kind(path) == PlaceKind.Absent && !create && !(writable && Cedar("FileOpenReadWrite") && Cedar("FileCreate"));
        var program = !writable && Forbidden(policies, path);
        Same(Cedar("FileOpenReadOnly") && !program, read, "read");
        Same(writable && Cedar("FileOpenReadWrite"), write, "write");
        Same(writable && Cedar("FileOpenReadWrite") && Cedar("FileCreate"), create, "create");
        Same(writable && Cedar("FileOpenReadWrite") && Cedar("FileDelete"), delete, "delete");
        Same(Cedar("FileOpenReadOnly") && Cedar("ProcessExec") && !program, run, "run");
        if (create && delete) Same(Cedar("FileRename"), true, "rename");
        if (read) Same(Cedar("ProcessExec"), true, "read and run");

        void Same(bool cedar, bool kernel, string what) =>
            Assert.True(cedar == kernel || nothing, $"{what} of {path}: Cedar says {cedar}, the kernel {kernel}\n{text}");
    }

    private static bool Below(string folder, string path) => folder == "/" || path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private static bool Decide(PolicySet policies, string action, string path) => !Governed(policies, action) || Ask(policies, action, path).Decision == Moat.Cedar.Decision.Allow;

    private static bool Forbidden(PolicySet policies, string path) =>
        Governed(policies, "ProcessExec") && Ask(policies, "ProcessExec", path) is { Decision: Moat.Cedar.Decision.Deny, Reasons.Count: > 0 };

    private static bool Governed(PolicySet policies, string action) => policies.Policies.Any(p => ActionScope.Of(p).Contains(action));

    private static AuthorizationResult Ask(PolicySet policies, string action, string path)
    {
        List<EntityUid> parents = [];
        for (var at = path; at.Length > 0; at = at[..at.LastIndexOf('/')]) parents.Add(new EntityUid(new EntityType("Dir"), at));
        parents.Add(new EntityUid(new EntityType("Dir"), "/"));
        EntityUid Named(string name) => new(new EntityType("Action"), name);
        var file = new Entity(new EntityUid(new EntityType("File"), path), parents: [.. parents]);
        var run = new Entity(new EntityUid(new EntityType("Run"), "test"));
        var store = EntityStore.Create(file, run, new Entity(Named(action), parents: action.StartsWith("FileOpenRead", StringComparison.Ordinal) ? [Named("FileOpen")] : []));
        var result = new AuthorizationResult();
        new Authorizer(policies).Decide(new Request(run.Uid, Named(action), file.Uid, CedarRecord.Create()), store, result);
        return result;
    }

    private static RunSpec Spec(string text) => new()
    {
        Id = "run_000000000000",
        Name = "test",
        Command = ["true"],
        Interactive = false,
        Workspace = new WorkspaceSpec("/w", "/w"),
        Network = new NetworkSpec { Mode = NetworkMode.Strict },
        Policy = new PolicySpec("p.cedar", text, PolicyMode.Enforce),
        CreatedAt = DateTimeOffset.UnixEpoch,
    };
}
