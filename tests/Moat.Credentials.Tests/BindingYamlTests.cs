using System.Text;
using CsCheck;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public class BindingYamlTests
{
    [Fact]
    public void Every_slot_is_read()
    {
        var bindings = Parse("""
            - { hosts: [api.acme.example, "*.eu.acme.example:8443"], slot: header, name: Authorization, prefix: "Bearer " }
            - { hosts: api.acme.example, slot: basic-user, password: x-oauth-basic }
            - { hosts: api.acme.example, slot: basic-password, user: robot, method: POST, path: /token }
            - { hosts: api.acme.example, slot: query, name: "api_key" }
            - { hosts: api.acme.example, slot: path, prefix: bot }
            - { hosts: api.acme.example, slot: path }
            - { hosts: api.acme.example, slot: cookie, name: session }
            - { hosts: api.acme.example, slot: json, name: auth.token, path: /login/** }
            - { hosts: "api.acme.example:8080", scheme: http, slot: form, name: client_secret }
            """);
        const string Host = "api.acme.example";
        Assert.Equal(
        [
            new(Host, "Authorization", InjectionSlot.Header, "Bearer "),
            new("*.eu.acme.example", "Authorization", InjectionSlot.Header, "Bearer ", 8443),
            new(Host, "Authorization", InjectionSlot.BasicUser, "x-oauth-basic"),
            new(Host, "Authorization", InjectionSlot.BasicPassword, "robot") { Method = "POST", Path = "/token" },
            new(Host, "api_key", InjectionSlot.Query),
            new(Host, "", InjectionSlot.Path, "bot"),
            new(Host, "", InjectionSlot.Path),
            new(Host, "session", InjectionSlot.Cookie),
            new(Host, "auth.token", InjectionSlot.JsonField) { Path = "/login/**" },
            new InjectionBinding(Host, "client_secret", InjectionSlot.FormField, "", 8080) { Scheme = "http" },
        ], bindings);
    }

    [Theory]
    [InlineData("{ hosts: a.example, slot: body, name: x }", "3:29", "slot is header")]
    [InlineData("{ hosts: a.example, name: x }", "3:3", "slot is missing")]
    [InlineData("{ slot: query, name: x }", "3:3", "hosts is missing")]
    [InlineData("{ hosts: [], slot: query, name: x }", "3:3", "hosts is missing")]
    [InlineData("{ hosts: a.example, slot: query }", "3:3", "name is missing")]
    [InlineData("{ hosts: a.example, slot: path, name: x }", "3:41", "does not belong to slot: path")]
    [InlineData("{ hosts: a.example, slot: query, name: x, prefix: p }", "3:53", "does not belong to slot: query")]
    [InlineData("{ hosts: a.example, slot: header, name: x, user: p }", "3:52", "does not belong to slot: header")]
    [InlineData("{ hosts: a.example, slot: basic-password }", "3:3", "user is missing")]
    [InlineData("{ hosts: a.example, slot: basic-password, user: \"a:b\" }", "3:51", "without a colon")]
    [InlineData("{ hosts: a.example, slot: header, name: Content-Length }", "3:43", "frames the request")]
    [InlineData("{ hosts: a.example, slot: header, name: X, method: get }", "3:54", "upper case")]
    [InlineData("{ hosts: a.example, slot: header, name: X, path: a }", "3:52", "begin with a slash")]
    [InlineData("{ hosts: a.example, slot: header, name: X, path: \"/a*\" }", "3:52", "whole segment")]
    [InlineData("{ hosts: a.example, slot: header, name: X, path: /a/../b }", "3:52", "dot segment")]
    [InlineData("{ hosts: a.example, slot: header, name: X, path: \"/a?b\" }", "3:52", "character")]
    [InlineData("{ hosts: a.example, scheme: http, slot: header, name: X }", "3:12", "write host:port")]
    [InlineData("{ hosts: a.example, scheme: ftp, slot: header, name: X }", "3:31", "https or http")]
    [InlineData("{ hosts: a.example, slot: path, prefix: \"a/b\" }", "3:43", "prefix of a path segment")]
    [InlineData("{ hosts: a.example, slot: cookie, name: \"a b\" }", "3:43", "cookie")]
    [InlineData("{ hosts: a.example, slot: json, name: a..b }", "3:41", "JSON field")]
    [InlineData("{ hosts: a.example, slot: query, name: x, hots: y }", "3:45", "unknown key")]
    [InlineData("{ hosts: \"*.example\", slot: query, name: x }", "3:12", "every site under")]
    [InlineData("nothing", "3:3", "list of mappings")]
    public void A_mistake_is_an_error_with_its_place(string entry, string place, string problem)
    {
        var error = Assert.Throws<MoatException>(() => Parse("- " + entry));
        Assert.Contains($"acme.yaml:{place}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hosts: [a.example]\nbindings:\n- { hosts: a.example, slot: query, name: x }\n")]
    [InlineData("inject: { header: X }\nbindings:\n- { hosts: a.example, slot: query, name: x }\n")]
    [InlineData("bindings: []\n")]
    [InlineData("bindings: x\n")]
    [InlineData("bindings:\n- { hosts: a.example, slot: query, name: x }\nvalidate: { url: https://a.example/ }\n")]
    [InlineData("bindings:\n- { hosts: a.example, slot: basic-user }\nvalidate: { url: https://a.example/ }\n")]
    [InlineData("bindings:\n- { hosts: a.example, slot: header, name: X }\nvalidate: { url: https://b.example/ }\n")]
    public void What_contradicts_itself_is_refused(string rest)
        => Assert.Throws<MoatException>(() => ProviderYaml.Parse("acme.yaml", Encoding.UTF8.GetBytes("name: acme\n" + rest), ProviderOrigin.User));

    [Fact]
    public void No_input_gives_anything_but_bindings_or_an_explanation()
    {
        var seed = "- { hosts: [api.acme.example, \"*.eu.acme.example:8443\"], scheme: https, method: POST, path: /a/*, slot: header, name: X-Key, prefix: \"Key \" }\n- { hosts: a.example, slot: json, name: a.b }";
        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Char[' ', '~'], Gen.Int[0, 2]).Array[1, 5].Sample(changes =>
        {
            var text = new StringBuilder(seed);
            foreach (var (at, c, kind) in changes)
            {
                if (at >= text.Length) continue;
                if (kind == 0) text[at] = c;
                else if (kind == 1) text.Insert(at, c);
                else text.Remove(at, 1);
            }
            try
            {
                return Parse(text.ToString()).All(binding => binding.Host.Length > 0 && GrantScope.PathProblem(binding.Path) is null);
            }
            catch (MoatException)
            {
                return true;
            }
        }, iter: 10_000);
    }

    private static System.Collections.Immutable.ImmutableArray<InjectionBinding> Parse(string bindings)
        => ProviderYaml.Parse("acme.yaml", Encoding.UTF8.GetBytes("name: acme\nbindings:\n" + bindings), ProviderOrigin.User).Bindings;
}
