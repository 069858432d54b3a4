using Moat.Spec;

namespace Moat.Configuration.Tests;

public class FieldTests
{
    [Fact]
    public void Every_working_field_is_read()
    {
        var file = Temporary.Good("""
            name: sample-1
            agent: ""
            version: 1.2
            grants: [github, "mcp:context7", ssh:github.com]
            env: {A: "1", B: 2, C: true, EMPTY: ""}
            workspace: {mode: bind}
            mounts:
              - ./data:/data:ro
              - /srv/x:/x
              - {source: ., target: /workspace, mode: rw, exclude: [node_modules, ./a/b/]}
            command: [sh, -c, "echo 1"]
            interactive: true
            clipboard: false
            sandbox: ""
            container: {memory: 512, cpus: 1.5, ulimits: {nofile: {soft: 10, hard: 20}, core: {soft: 0, hard: -1}}}
            downgrades: [landlock]
            """);
        Assert.Equal("sample-1", file.Name);
        Assert.Equal("1.2", file.Version);
        Assert.Equal(["github", "mcp:context7", "ssh:github.com"], file.Grants.Select(grant => grant.Name));
        Assert.Equal(["A=1", "B=2", "C=true", "EMPTY="], file.Env.Select(e => $"{e.Key}={e.Value}"));
        Assert.Equal(new MountRequest("./data", "/data", true, [], "moat.yaml:8"), file.Mounts[0] with { Excludes = [] });
        Assert.False(file.Mounts[1].ReadOnly);
        Assert.Equal(["node_modules", "a/b"], file.Mounts[2].Excludes);
        Assert.Equal(["sh", "-c", "echo 1"], file.Command);
        Assert.True(file.Interactive);
        Assert.Equal(512, file.Container.MemoryMiB);
        Assert.Equal(1.5, file.Container.Cpus);
        Assert.Equal(new UlimitSpec(0, -1), file.Container.Ulimits["core"]);
        Assert.Equal(["landlock"], file.Downgrades);
        Assert.Null(file.Network);
    }

    [Fact]
    public void The_network_section_is_read()
    {
        var network = Temporary.Good("""
            network:
              policy: permissive
              host: [11434, 5432]
              registries: false
              resolve: {Git.Example.org: 10.0.0.5, b.example: "[fd00::1]:8443", c.example: "127.0.0.1:99"}
              rules:
                - api.example.org
                - "*.Example.org:8443"
                - 10.1.2.3
                - "[2001:DB8::1]:444"
                - "api.github.com": ["allow GET /repos/**", "deny * /**", allow report /x]
            """).Network!;
        Assert.Equal(NetworkMode.Permissive, network.Mode);
        Assert.Equal([11434, 5432], network.HostPorts);
        Assert.False(network.Registries);
        Assert.Equal(["b.example=[fd00::1]:8443", "c.example=127.0.0.1:99", "git.example.org=10.0.0.5"], network.Resolve.Select(r => $"{r.Key}={r.Value}"));
        Assert.Equal(["api.example.org:", "*.example.org:8443", "10.1.2.3:", "2001:db8::1:444", "api.github.com:"], network.Rules.Select(r => $"{r.Host}:{r.Port}"));
        Assert.Equal("moat.yaml:8", network.Rules[1].Origin);
        Assert.Equal([new(true, "GET", "/repos/**"), new(false, "*", "/**"), new(true, "REPORT", "/x")], network.Rules[4].Requests);
    }

    [Fact]
    public void A_grant_may_be_narrowed_in_three_spellings()
    {
        var file = Temporary.Good("""
            grants:
              - openai
              - {name: gitlab, allow: ["GET /api/**", "POST /api/v4/x"]}
              - github: repo acme/widget
              - sentry: [GET /api/**]
            """);
        Assert.Equal(["openai:", "gitlab:GET /api/**|POST /api/v4/x", "github:repo acme/widget", "sentry:GET /api/**"], file.Grants.Select(grant => $"{grant.Name}:{string.Join('|', grant.Allow)}"));
        Assert.Contains("uses grants: openai, gitlab (for GET /api/**, POST /api/v4/x alone), github (for repo acme/widget alone), sentry (for GET /api/** alone)", TrustSummary.Of(file));
        using var folder = new Temporary();
        var spec = folder.Build(new RunRequest { Grants = ["github,anthropic"] }, folder.Load("grants: [{github: read-only}]"));
        Assert.Equal(["github:read-only", "anthropic:"], spec.Grants.Select(grant => $"{grant.Name}:{string.Join('|', grant.Allow)}"));
    }

    [Theory]
    [InlineData("network: {}", NetworkMode.Strict)]
    [InlineData("network: {policy: strict}", NetworkMode.Strict)]
    public void A_network_section_without_a_word_is_strict(string yaml, NetworkMode mode)
        => Assert.Equal(mode, Temporary.Good(yaml).Network!.Mode);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n...\n")]
    [InlineData("{}")]
    public void An_empty_file_asks_for_nothing(string yaml) => Assert.Equal(new MoatConfiguration().ToString(), Temporary.Good(yaml).ToString());

    [Theory]
    [InlineData("name: My App", "1:7", "my-app")]
    [InlineData("name: [x]", "1:7", "expected a text")]
    [InlineData("name:", "1:6", "is nothing")]
    [InlineData("nmae: x", "1:1", "did you mean \"name\"?")]
    [InlineData("zzzzzz: x", "1:1", "expected one of name, agent")]
    [InlineData("agent: claude", "1:8", "no preset")]
    [InlineData("grants: github", "1:9", "expected a list")]
    [InlineData("grants: [Git Hub]", "1:10", "moat grant providers")]
    [InlineData("grants: [github, github]", "1:18", "twice")]
    [InlineData("grants: [[x]]", "1:10", "is a list")]
    [InlineData("grants: [{name: github, allow: []}]", "1:32", "is empty")]
    [InlineData("grants: [{github: []}]", "1:19", "is empty")]
    [InlineData("grants: [{github: }]", "1:19", "is nothing")]
    [InlineData("grants: [{github: [[x]]}]", "1:20", "is a list")]
    [InlineData("grants: [{name: github, alow: x}]", "1:25", "did you mean \"allow\"?")]
    [InlineData("grants: [{allow: x}]", "1:10", "has no name")]
    [InlineData("grants: [github, {github: x}]", "1:18", "twice")]
    [InlineData("env: [A]", "1:6", "a mapping")]
    [InlineData("env: {1A: x}", "1:7", "not a variable's name")]
    [InlineData("env: {A: [x]}", "1:10", "expected a text")]
    [InlineData("env:\n  A: 1\n  B: 2\n  A: 3", "4:3", "already given in line 2")]
    [InlineData("name: a\nname: b", "2:1", "already given in line 1")]
    [InlineData("workspace: {mode: volume}", "1:19", "does not work")]
    [InlineData("workspace: {mode: x}", "1:19", "expected bind")]
    [InlineData("mounts: [\"./a\"]", "1:10", "source:target")]
    [InlineData("mounts: [\"./a:/b:rx\"]", "1:10", "neither ro nor rw")]
    [InlineData("mounts: [\"./a:b\"]", "1:10", "not an absolute path")]
    [InlineData("mounts: [\"./a:/etc/x\"]", "1:10", "over /etc")]
    [InlineData("mounts: [\"./a:/b/../proc\"]", "1:10", "..")]
    [InlineData("mounts:\n  - {source: a}", "2:5", "no target")]
    [InlineData("mounts:\n  - {source: a, target: /usr/lib}", "2:25", "over /usr")]
    [InlineData("mounts:\n  - {source: a, target: /a, mod: ro}", "2:29", "did you mean \"mode\"?")]
    [InlineData("mounts:\n  - {source: a, target: /a, exclude: [../x]}", "2:39", "below the target")]
    [InlineData("command: npm test", "1:10", "expected a list")]
    [InlineData("command: [\"\"]", "1:10", "empty word")]
    [InlineData("interactive: yes", "1:14", "true or false")]
    [InlineData("interactive: \"true\"", "1:14", "true or false")]
    [InlineData("clipboard: true", "1:1", "does not work")]
    [InlineData("sandbox: none", "1:10", "does not exist")]
    [InlineData("sandbox: gvisor", "1:10", "expected")]
    [InlineData("container: {memory: 1.5}", "1:21", "whole number")]
    [InlineData("container: {cpus: -1}", "1:19", "a number from")]
    [InlineData("container: {dns: [1.1.1.1]}", "1:13", "network.resolve")]
    [InlineData("container: {ulimits: {nofil: {soft: 1, hard: 1}}}", "1:23", "did you mean \"nofile\"?")]
    [InlineData("container: {ulimits: {core: {soft: 1}}}", "1:29", "needs soft and hard")]
    [InlineData("container: {ulimits: {core: {soft: 5, hard: 1}}}", "1:29", "above the hard")]
    [InlineData("container: {ulimits: {nofile: {soft: -1, hard: -1}}}", "1:38", "whole number")]
    [InlineData("network: {polcy: strict}", "1:11", "did you mean \"policy\"?")]
    [InlineData("network: {policy: strickt}", "1:19", "did you mean \"strict\"?")]
    [InlineData("network: {policy: open}", "1:19", "strict or permissive")]
    [InlineData("network: {allow: [a]}", "1:11", "network.rules")]
    [InlineData("network: {keep_policy: x}", "1:11", "does not work")]
    [InlineData("network: {host: [0]}", "1:18", "from 1 to 65535")]
    [InlineData("network: {registries: 1}", "1:23", "true or false")]
    [InlineData("network: {rules: [\"https://a.example\"]}", "1:19", "without a scheme")]
    [InlineData("network: {rules: [\"a.example/x\"]}", "1:19", "no path")]
    [InlineData("network: {rules: [\"*x\"]}", "1:19", "at the front only")]
    [InlineData("network: {rules: [\"a.*.example\"]}", "1:19", "at the front only")]
    [InlineData("network: {rules: [\"*.*x.example\"]}", "1:19", "at the front only")]
    [InlineData("network: {rules: [\"*.10.0.0.1\"]}", "1:19", "IPv4")]
    [InlineData("network: {resolve: {\"*\": 10.0.0.1}}", "1:21", "wildcard")]
    [InlineData("network: {rules: [\"a.*.example\"]}", "1:19", "front only")]
    [InlineData("network: {rules: [\"a.example:0\"]}", "1:19", "port")]
    [InlineData("network: {rules: [\"0x7f.1\"]}", "1:19", "IPv4")]
    [InlineData("network: {rules: [\"bücher.example\"]}", "1:19", "xn--")]
    [InlineData("network: {rules: [{a.example: [alow GET /]}]}", "1:32", "did you mean \"allow\"?")]
    [InlineData("network: {rules: [{a.example: [allow GTE /]}]}", "1:32", "did you mean \"GET\"?")]
    [InlineData("network: {rules: [{a.example: [allow GET x]}]}", "1:32", "start with /")]
    [InlineData("network: {rules: [{a.example: [allow GET /x?y]}]}", "1:32", "query")]
    [InlineData("network: {rules: [{a.example: [allow /]}]}", "1:32", "three words")]
    [InlineData("network: {rules: [{a.example: []}]}", "1:31", "is empty")]
    [InlineData("network: {rules: [{a.example: [allow GET /], b.example: [allow GET /]}]}", "1:19", "one host")]
    [InlineData("network: {resolve: {a.example: b.example}}", "1:32", "address")]
    [InlineData("network: {resolve: {\"*.example\": 10.0.0.1}}", "1:21", "wildcard")]
    [InlineData("network: {ca: [\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\"]}", "1:16", "certificate")]
    [InlineData("downgrades: [Seccomp]", "1:14", "landlock")]
    [InlineData("a: &x 1\nb: *x", "1:4", "anchors")]
    [InlineData("name: !!str x", "1:7", "tags")]
    [InlineData("name: a\n---\nname: b", "2:1", "second document")]
    [InlineData("- a", "1:1", "a mapping")]
    [InlineData("? [a]\n: b", "1:3", "a key is")]
    [InlineData("name: \"a", "1:7", "not YAML")]
    public void A_fault_is_told_with_its_place_and_a_mend(string yaml, string place, string part)
    {
        var result = Temporary.Parse(yaml);
        Assert.Null(result.Configuration);
        Assert.Contains(result.Errors, e => e.ToString() is var text && text.StartsWith($"moat.yaml:{place}: ", StringComparison.Ordinal) && text.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Fields_of_later_versions_are_errors_and_not_ignored()
    {
        foreach (var field in (string[])["dependencies", "base_image", "runtime", "services", "hooks", "volumes", "ports", "mcp", "claude", "codex", "gemini", "copilot", "pi", "snapshots", "tracing", "language_servers"])
        {
            var error = Assert.Single(Temporary.Parse($"name: a\n{field}: {{anything: [1, 2]}}").Errors);
            Assert.Equal((2, 1), (error.Line, error.Column));
            Assert.StartsWith($"{field} does not work in this version", error.Problem, StringComparison.Ordinal);
            Assert.NotEmpty(error.Mend);
        }
    }

    [Fact]
    public void All_faults_come_at_once_in_order()
    {
        var result = Temporary.Parse("nmae: x\ngrants: 1\nnetwork:\n  polcy: strict\n  rules: [\"a b\"]\nruntime: docker\n");
        Assert.Equal([1, 2, 4, 5, 6], result.Errors.Select(e => e.Line));
        var thrown = Assert.Throws<MoatException>(result.OrThrow);
        Assert.Equal(5, thrown.Message.Split('\n').Length);
        Assert.All(thrown.Message.Split('\n'), line => Assert.StartsWith("moat.yaml:", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_secret_in_the_wrong_place_is_not_told()
    {
        var secret = "s3cr3t" + Random.Shared.Next(1000, 9999);
        foreach (var yaml in (string[])[$"env: {{A: [{secret}]}}", $"interactive: {secret}", $"network: {{rules: [\"https://u:{secret}@a.example\"]}}", $"network: {{rules: [\"u:{secret}@a.example\"]}}", $"network: {{resolve: {{\"u:{secret}@a.example\": 10.0.0.1}}}}", $"container: {{memory: {secret}}}", $"network: {{ca: [[{secret}]]}}"])
        {
            var result = Temporary.Parse(yaml);
            Assert.NotEmpty(result.Errors);
            Assert.All(result.Errors, e => Assert.DoesNotContain(secret, e.ToString(), StringComparison.Ordinal));
        }
    }

    [Fact]
    public void An_error_writes_no_control_characters_to_a_terminal()
    {
        var result = Temporary.Parse("\"\\e[2Jnam\\u202Ee\": 1\nname: \"\\e]0;x\\a\"\n");
        Assert.Equal(2, result.Errors.Length);
        Assert.All(result.Errors, e => Assert.DoesNotContain(e.ToString(), c => char.IsControl(c) || c == '\u202e'));
    }
}
