using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The promises of the main job, each with a real client in a real sandbox against a real HTTPS upstream.</summary>
public class MainJobTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task Curl_is_authorised_without_ever_holding_the_secret(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync($"echo token=$UPSTREAM_TOKEN; curl -sS https://{Scene.ApiHost}/whoami");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("authorised by a header", result.Out, StringComparison.Ordinal);
        Assert.Equal(["Bearer " + scene.Secret], Assert.Single(scene.Upstream.Seen).Header("Authorization"));
        scene.AssertNoSecretIn("the output", System.Text.Encoding.UTF8.GetBytes(result.Out + result.Err));
        foreach (var file in scene.Home.FilesLeft()) scene.AssertNoSecretIn(file, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_10_a_client_that_ignores_the_proxy_reaches_the_gateway_all_the_same(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync(
            $"unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY all_proxy; curl -sS --noproxy '*' https://{Scene.ApiHost}/whoami");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(["Bearer " + scene.Secret], Assert.Single(scene.Upstream.Seen).Header("Authorization"));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_10_node_fetch_and_python_urllib_are_authorised(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Home.Write(Path.Combine(scene.Home.Workspace, "f.mjs"), $"const r = await fetch('https://{Scene.ApiHost}/whoami'); console.log(r.status, await r.text());");
        scene.Home.Write(Path.Combine(scene.Home.Workspace, "u.py"), $"import urllib.request\nprint(urllib.request.urlopen('https://{Scene.ApiHost}/whoami').read().decode())");
        var result = await scene.Home.ScriptAsync("node f.mjs && /usr/bin/python3 u.py");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(2, scene.Upstream.Seen.Count);
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal(["Bearer " + scene.Secret], seen.Header("Authorization")));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_10_a_static_binary_with_a_raw_socket_reaches_the_gateway_or_nothing(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Home.Write(Path.Combine(scene.Home.Workspace, "raw.c"), RawSocketProgram);
        using (var gcc = System.Diagnostics.Process.Start("gcc", ["-static", "-O1", "-o", Path.Combine(scene.Home.Workspace, "raw"), Path.Combine(scene.Home.Workspace, "raw.c")]))
            await gcc.WaitForExitAsync(TestContext.Current.CancellationToken);
        var port = scene.Upstream.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var result = await scene.Home.ScriptAsync($"./raw 203.0.113.9 80; ./raw 127.0.0.1 {port}; ./raw 203.0.113.9 22; ./raw 203.0.113.9 8443");
        var lines = result.Out.Split('\n');
        Assert.Equal("203.0.113.9:80 HTTP/1.1 403", lines[0][..Math.Min(27, lines[0].Length)]);
        Assert.Equal($"127.0.0.1:{port} refused", lines[1]);
        Assert.Equal("203.0.113.9:22 refused", lines[2]);
        Assert.Equal("203.0.113.9:8443 refused", lines[3]);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task An_unlisted_host_is_denied_with_a_reason_and_a_mend(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync(
            $"curl -sS -D - http://{Scene.ForbiddenHost}/; curl -sS https://{Scene.ForbiddenHost}/; getent hosts {Scene.ForbiddenHost} || echo no-such-name");
        Assert.Contains("403", result.Out, StringComparison.Ordinal);
        Assert.Contains("X-Moat-Blocked", result.Out, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("how_to_allow", result.Out, StringComparison.Ordinal);
        Assert.Contains("no-such-name", result.Out, StringComparison.Ordinal);
        Assert.Contains(Scene.ForbiddenHost, result.Err, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Fact]
    public async Task T_31_a_reflected_secret_is_redacted_in_headers_and_bodies_also_compressed()
    {
        await using var scene = await Scene.StartAsync("root");
        var result = await scene.Home.ScriptAsync(
            $"curl -sS -D - https://{Scene.ApiHost}/reflect; curl -sS --compressed https://{Scene.ApiHost}/reflect-gzip; curl -sS -H 'Accept-Encoding: gzip' https://{Scene.ApiHost}/reflect-gzip | od -An -c | tr -d ' \\n'");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(3, scene.Upstream.Seen.Count);
        Assert.Contains("you sent", result.Out, StringComparison.Ordinal);
        scene.AssertNoSecretIn("what the agent saw", System.Text.Encoding.UTF8.GetBytes(result.Out + result.Err));
    }

    [Fact]
    public async Task T_35_the_placeholder_anywhere_else_stays_inert()
    {
        await using var scene = await Scene.StartAsync("root");
        var result = await scene.Home.ScriptAsync(
            $"curl -sS -H \"Authorization: Bearer $UPSTREAM_TOKEN\" -H \"X-Other: $UPSTREAM_TOKEN\" https://{Scene.EchoHost}/x?t=$UPSTREAM_TOKEN -d \"$UPSTREAM_TOKEN\" -A \"$UPSTREAM_TOKEN\"");
        Assert.True(result.ExitCode == 0, result.ToString());
        var seen = Assert.Single(scene.Upstream.Seen);
        scene.AssertNoSecretIn("a request to another host", JsonSerializer.SerializeToUtf8Bytes(seen));
    }

    [Fact]
    public async Task T_40_what_the_agent_puts_into_the_header_is_replaced()
    {
        await using var scene = await Scene.StartAsync("root");
        var result = await scene.Home.ScriptAsync(
            $"curl -sS -H 'Authorization: Bearer mine' -H 'authorization: Basic eDp5' -H 'Proxy-Authorization: Basic eDp5' https://{Scene.ApiHost}/whoami");
        Assert.True(result.ExitCode == 0, result.ToString());
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal(["Bearer " + scene.Secret], seen.Header("Authorization"));
        Assert.Empty(seen.Header("Proxy-Authorization"));
    }

    [Fact]
    public async Task T_37_a_redirect_away_loses_the_credential()
    {
        await using var scene = await Scene.StartAsync("root");
        var result = await scene.Home.ScriptAsync($"curl -sS -L --location-trusted 'https://{Scene.ApiHost}/redirect?to=https://{Scene.EchoHost}/landed'");
        Assert.True(result.ExitCode == 0, result.ToString());
        var landed = scene.Upstream.Seen.Single(s => s.Target == "/landed");
        scene.AssertNoSecretIn("the second hop", JsonSerializer.SerializeToUtf8Bytes(landed));
    }

    [Fact]
    public async Task T_38_nothing_is_injected_over_cleartext()
    {
        await using var scene = await Scene.StartAsync("root");
        var result = await scene.Home.ScriptAsync($"curl -sS http://{Scene.ApiHost}/whoami");
        Assert.All(scene.Upstream.Seen, seen => Assert.Empty(seen.Header("Authorization")));
        scene.AssertNoSecretIn("the output", System.Text.Encoding.UTF8.GetBytes(result.Out + result.Err));
    }

    private const string RawSocketProgram = """
        #include <arpa/inet.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        int main(int n, char **v) {
            struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(v[2])) };
            inet_pton(AF_INET, v[1], &a.sin_addr);
            int s = socket(AF_INET, SOCK_STREAM, 0);
            if (connect(s, (struct sockaddr *)&a, sizeof a)) { printf("%s:%s refused\n", v[1], v[2]); return 0; }
            const char *q = "GET / HTTP/1.1\r\nHost: 203.0.113.9\r\nConnection: close\r\n\r\n";
            write(s, q, strlen(q));
            char b[13] = { 0 };
            for (int got = 0, r; got < 12 && (r = read(s, b + got, 12 - got)) > 0; got += r) { }
            printf("%s:%s %s\n", v[1], v[2], b);
        }
        """;
}
