using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The run's authority reaches every store that programs look into: each client verifies, and is authorised.</summary>
public class TrustStoreTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task Curl_wget_git_and_openssl_verify_with_what_they_find_by_themselves(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        // With the variables, and without them: then each library looks at its own place.
        foreach (var clean in (string[])["", "unset SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO; "])
        {
            var result = await scene.Home.ScriptAsync($$"""
                {{clean}}curl -sS https://{{Scene.ApiHost}}/whoami
                {{Unless("wget", "echo wget is not here")}} wget -qO- https://{{Scene.ApiHost}}/whoami
                {{Unless("gnutls-cli", "echo gnutls is not here")}} gnutls-cli --crlf {{Scene.ApiHost}} </dev/null 2>&1 | grep -o 'certificate is trusted' | head -1
                openssl s_client -connect {{Scene.ApiHost}}:443 -servername {{Scene.ApiHost}} -verify_return_error </dev/null 2>/dev/null | grep -o 'Verify return code: 0 (ok)' | head -1
                git ls-remote https://{{Scene.ApiHost}}/nothing.git 2>&1 | grep -c -i certificate
                """);
            var lines = result.Out.TrimEnd().Split('\n');
            Assert.Equal(5, lines.Length);
            Assert.StartsWith("authorised", lines[0], StringComparison.Ordinal);
            Assert.Matches("^(authorised|wget is not here)", lines[1]);
            Assert.Matches("^(certificate is trusted|gnutls is not here)$", lines[2]);
            Assert.Equal("Verify return code: 0 (ok)", lines[3]);
            Assert.Equal("0", lines[4]);
        }

        Assert.Contains(scene.Upstream.Seen, seen => seen.Target.StartsWith("/nothing.git/info/refs", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Java_verifies_with_a_trust_store_made_for_the_run(string user)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/javac"), "no Java compiler is installed (default-jdk-headless)");
        await using var scene = await Scene.StartAsync(user);
        scene.Put("Ask.java", $$"""
            import java.net.URI;
            import java.net.http.*;
            public class Ask {
                public static void main(String[] args) throws Exception {
                    var client = HttpClient.newHttpClient();
                    for (var host : new String[] { "{{Scene.ApiHost}}", "{{Scene.EchoHost}}" }) {
                        var answer = client.send(HttpRequest.newBuilder(URI.create("https://" + host + "/whoami")).build(), HttpResponse.BodyHandlers.ofString());
                        System.out.print(answer.statusCode() + " " + answer.body());
                    }
                    var old = (javax.net.ssl.HttpsURLConnection) URI.create("https://{{Scene.ApiHost}}/whoami").toURL().openConnection();
                    System.out.println(old.getResponseCode());
                }
            }
            """);
        var result = await scene.Home.ScriptAsync("java Ask.java");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches("^200 authorised .*\n200 anonymous\n200\n$", result.Out);
        Assert.Equal(["Bearer " + scene.Secret], scene.Upstream.Seen.First().Header("Authorization"));
    }

    private static string Unless(string program, string otherwise) => $"command -v {program} >/dev/null || {otherwise}; command -v {program} >/dev/null &&";
}
