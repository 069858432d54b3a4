using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>The table of docs/reference/enforcement.md says of each form of statement what the lowering does with it.</summary>
public class EnforcementPageTests
{
    private static readonly string[] Statements =
    [
        "forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/workspace/secrets\");",
        "forbid (principal, action == Action::\"FileOpen\", resource == File::\"/workspace/.env\");",
        "forbid (principal, action == Action::\"FileOpenReadWrite\", resource in Dir::\"/workspace/ci\");",
        "forbid (principal, action == Action::\"FileOpenReadWrite\", resource == File::\"/workspace/.env\");",
        "forbid (principal, action == Action::\"FileOpenReadWrite\", resource in Dir::\"/tmp\");",
        "forbid (principal, action == Action::\"FileOpenReadWrite\", resource) unless { resource in Dir::\"/workspace\" };",
        "forbid (principal, action == Action::\"FileDelete\", resource in Dir::\"/workspace\");",
        "forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/usr/share\");",
        "forbid (principal, action == Action::\"ProcessExec\", resource == File::\"/usr/bin/curl\");",
        "forbid (principal, action in [Action::\"FileOpen\", Action::\"ProcessExec\"], resource in Dir::\"/workspace/secrets\");",
        "forbid (principal, action == Action::\"FileOpen\", resource == File::\"/workspace/later\");",
        "forbid (principal, action == Action::\"FileOpenReadOnly\", resource in Dir::\"/workspace/ci\");",
        "forbid (principal, action == Action::\"FileDelete\", resource == File::\"/workspace/.env\");",
        "forbid (principal, action == Action::\"FileCreate\", resource in Dir::\"/workspace/ci\");",
        "forbid (principal, action == Action::\"FileRename\", resource in Dir::\"/workspace\");",
        "forbid (principal, action == Action::\"FileOpen\", resource in Dir::\"/proc\");",
        "forbid (principal, action == Action::\"ProcessExec\", resource in Dir::\"/workspace\");",
        "forbid (principal, action == Action::\"ProcessExec\", resource) unless { resource in Dir::\"/usr\" };",
        "forbid (principal, action == Action::\"ProcessExec\", resource) when { context.arguments.contains(\"push\") };",
        "forbid (principal == Process::\"/usr/bin/git\", action == Action::\"FileOpen\", resource in Dir::\"/workspace\");",
    ];

    private static readonly FileView View = new()
    {
        Areas =
        [
            new("/", FileRights.Read | FileRights.Execute), new("/proc", FileRights.Read | FileRights.Execute, true), new("/dev", FileRights.Read | FileRights.Write | FileRights.Execute, true),
            new("/tmp", FileRights.All), new("/workspace", FileRights.All),
        ],
        Kind = static path => path is "/workspace/.env" or "/usr/bin/curl" ? PlaceKind.File : path is "/workspace/later" ? PlaceKind.Absent : PlaceKind.Folder,
        Ambiguity = static _ => null,
        OtherName = static _ => null,
    };

    [Fact]
    public void The_table_of_the_page_is_what_the_lowering_does()
    {
        var table = string.Join('\n', Statements.Select(static s => $"| `{s.TrimEnd(';')}` | {Outcome(s)} |"));
        Assert.True(File.ReadAllText(Page()).Contains(table, StringComparison.Ordinal), "docs/reference/enforcement.md should have these rows:\n" + table);
    }

    private static string Outcome(string statement)
    {
        var text = "permit (principal, action, resource);\n" + statement;
        var spec = new RunSpec
        {
            Id = "run_000000000000",
            Name = "test",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/w"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Policy = new PolicySpec("p.cedar", text, PolicyMode.Enforce),
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        try
        {
            PolicyStart.Compile(spec);
            var rules = PolicyStart.Lower(spec, View, 7)!;
            return rules.Masks is [var mask, ..] ? mask.Hidden ? "held: a mount hides it" : "held: a read-only mount" : "held: Landlock grants it nowhere else";
        }
        catch (MoatException error)
        {
            var line = error.Message.Split('\n')[1];
            var why = line[(line.IndexOf(": ", line.IndexOf("policy1", StringComparison.Ordinal), StringComparison.Ordinal) + 2)..];
            return "refused: " + (line.Contains("tells", StringComparison.Ordinal) ? "arguments, folder and asking process are not known to the kernel's rules" : why[(why.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
        }
    }

    private static string Page()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var page = Path.Combine(at.FullName, "docs", "reference", "enforcement.md");
            if (File.Exists(page)) return page;
        }

        throw new InvalidOperationException("docs/reference/enforcement.md is gone");
    }
}
