using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>
/// The main job's scene: an upstream that wants a credential, a provider that describes it, a generated secret in the
/// vault, and a policy that allows this upstream alone.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    public const string ApiHost = "api.upstream.test";
    public const string EchoHost = "other.upstream.test";
    public const string ForbiddenHost = "forbidden.upstream.test";
    public const string GitHost = "git.upstream.test";
    public const string RegistryHost = "registry.upstream.test";

    private Scene(MoatHome home, TestUpstream upstream, TestAuthority authority)
    {
        Home = home;
        Upstream = upstream;
        Authority = authority;
    }

    public MoatHome Home { get; }

    public TestUpstream Upstream { get; }

    public TestAuthority Authority { get; }

    public string Secret { get; } = "tst_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    /// <summary>Builds the scene; <paramref name="certificate"/> makes the upstream's certificate where it shall not be a good one.</summary>
    public static async Task<Scene> StartAsync(string user, string extraNetwork = "", string mode = "strict", Func<TestAuthority, X509Certificate2>? certificate = null)
    {
        var authority = new TestAuthority();
        var leaf = certificate?.Invoke(authority) ?? authority.Leaf(DateTimeOffset.UtcNow.AddDays(5), ApiHost, EchoHost, ForbiddenHost, GitHost, RegistryHost);
        var upstream = await TestUpstream.StartAsync(leaf);
        var scene = new Scene(new MoatHome(user), upstream, authority);
        var home = scene.Home;
        home.Write(Path.Combine(home.Root, "ca.pem"), authority.Pem);
        home.Write(Path.Combine(home.Providers, "upstream.yaml"), $$"""
            name: upstream
            description: The test's own API
            hosts: [{{ApiHost}}]
            inject:
              header: Authorization
              prefix: "Bearer "
            source_env: [UPSTREAM_TOKEN]
            container_env: UPSTREAM_TOKEN
            """);
        home.Write(home.ConfigFile, $$"""
            name: scene
            grants: [upstream]
            network:
              policy: {{mode}}
              registries: false
              ca: [{{home.Root}}/ca.pem]
              resolve:
                {{ApiHost}}: 127.0.0.1:{{upstream.Port}}
                {{EchoHost}}: 127.0.0.1:{{upstream.Port}}
                {{ForbiddenHost}}: 127.0.0.1:{{upstream.Port}}
                {{GitHost}}: 127.0.0.1:{{upstream.Port}}
                {{RegistryHost}}: 127.0.0.1:{{upstream.Port}}
              rules:
                - {{EchoHost}}
            {{extraNetwork}}
            """);
        await scene.GrantAsync("upstream", "UPSTREAM_TOKEN", scene.Secret);
        return scene;
    }

    /// <summary>Stores a credential as a person does, from the variable that the provider names.</summary>
    public async Task GrantAsync(string provider, string variable, string secret)
    {
        Home.Env[variable] = secret;
        var granted = await Home.MoatAsync("grant", provider, "--no-validate");
        Home.Env.Remove(variable);
        Assert.True(granted.ExitCode == 0, granted.ToString());
    }

    /// <summary>Changes the run's configuration.</summary>
    public void EditConfig(string old, string replacement)
    {
        var text = File.ReadAllText(Home.ConfigFile);
        Assert.Contains(old, text, StringComparison.Ordinal);
        Home.Write(Home.ConfigFile, text.Replace(old, replacement, StringComparison.Ordinal));
    }

    /// <summary>Writes a file into the workspace.</summary>
    public void Put(string name, string content) => Home.Write(Path.Combine(Home.Workspace, name), content);

    public void AssertNoSecretIn(string where, string text) => AssertNoSecretIn(where, Encoding.UTF8.GetBytes(text));

    /// <summary>Asserts that nothing that Moat left on this person's disk holds the secret.</summary>
    public void AssertNoSecretOnDisk()
    {
        foreach (var file in Home.FilesLeft()) AssertNoSecretIn(file, File.ReadAllBytes(file));
    }

    /// <summary>The secret in the codings that a leak takes.</summary>
    public IEnumerable<(string Coding, byte[] Bytes)> SecretForms()
    {
        var raw = Encoding.UTF8.GetBytes(Secret);
        yield return ("raw", raw);
        yield return ("hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(raw)));
        yield return ("HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(raw)));
        yield return ("utf-16", Encoding.Unicode.GetBytes(Secret));
        yield return ("reversed", Encoding.ASCII.GetBytes(new string([.. Secret.Reverse()])));
        for (var shift = 0; shift < 3; shift++)
        {
            // The part of a base64 text that does not depend on what stands before and after the secret.
            var text = Convert.ToBase64String([.. new byte[shift], .. raw]);
            var from = shift == 0 ? 0 : 4;
            yield return ("base64 at " + shift, Encoding.ASCII.GetBytes(text[from..((shift + raw.Length) / 3 * 4)]));
        }
    }

    public void AssertNoSecretIn(string where, ReadOnlySpan<byte> bytes) => Assert.Empty(LeaksIn(where, bytes));

    /// <summary>The codings that the secret stands there in.</summary>
    public List<string> LeaksIn(string where, ReadOnlySpan<byte> bytes)
    {
        var leaks = new List<string>();
        foreach (var (coding, form) in SecretForms())
        {
            if (bytes.IndexOf(form) >= 0) leaks.Add($"the secret stands in {where} ({coding})");
        }

        return leaks;
    }

    public async ValueTask DisposeAsync()
    {
        await Upstream.DisposeAsync();
        Home.Dispose();
    }
}
