using System.Text;
using System.Text.Json;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Injections;

namespace Moat.Gateway.Tests;

/// <summary>Fields of bodies against an oracle that walks the parsed document.</summary>
public sealed class FieldBodyTests
{
    private const string Field = "auth.token";
    private static readonly string[] s_names = ["auth", "token", "token", "auth", "token", "", "x", "auth.token"];

    [Fact]
    public void A_json_body_changes_in_the_field_alone_whatever_stands_around_it()
    {
        using var grant = Grant(InjectionSlot.JsonField);
        var injection = new Injection(grant, 0);
        var secret = Encoding.ASCII.GetString(grant.Secret.Reveal());
        var leaf = Gen.Int[0, 6].Select(i => i switch { 0 or 1 or 2 => $"\"{grant.Placeholder}\"", 3 => "\"other\"", 4 => "1.5e3", 5 => "null", _ => $"\"x{grant.Placeholder}\"" });
        var json = Gen.Recursive<string>((depth, inner) =>
        {
            if (depth > 3) return leaf;
            var entry = Gen.Select(Gen.Int[0, s_names.Length - 1], inner, Gen.Int[0, 1]).Select(e => $"\"{s_names[e.Item1]}\"{(e.Item3 == 0 ? "" : " ")}: {e.Item2}");
            return Gen.OneOf(leaf, entry.Array[0, 4].Select(entries => $"{{{string.Join(" ,", entries)}}}"), inner.Array[0, 3].Select(items => $"[ {string.Join(",", items)}]"), entry.Array[1, 3].Select(entries => $"{{\"auth\":{{{string.Join(",", entries)}}}}}"));
        });
        var hits = 0;
        Gen.OneOf(json, json.Select(text => $"{{\"auth\": {{\"x\":[],\"token\":{text}}} }}")).Sample(
            text =>
            {
                var body = Read(text, "application/json", grant);
                var expected = Count(JsonDocument.Parse(text).RootElement, Field.Split('.'), grant.Placeholder);
                Assert.Equal(expected, body.Count(injection));
                if (expected != 1)
                    return;
                Interlocked.Increment(ref hits);
                var written = Encoding.UTF8.GetString(body.Write([injection], [secret]));
                Assert.Equal(1, Count(JsonDocument.Parse(written).RootElement, Field.Split('.'), secret));
                Assert.Equal(text, written.Replace(secret, grant.Placeholder, StringComparison.Ordinal));
                Assert.Equal(2, written.Split(secret).Length);
            },
            iter: 10_000);
        Assert.True(hits > 300, $"{hits} bodies with the field");
    }

    [Fact]
    public void An_escaped_placeholder_in_json_is_the_same_placeholder()
    {
        using var grant = Grant(InjectionSlot.JsonField);
        var escaped = string.Concat(grant.Placeholder.Select((c, i) => i % 3 == 0 ? $"\\u{(int)c:x4}" : c.ToString()));
        var body = Read($"{{\"auth\":{{\"token\":\"{escaped}\"}}}}", "application/json", grant);
        Assert.Equal("{\"auth\":{\"token\":\"a\\u0022b\"}}", Encoding.UTF8.GetString(body.Write([new Injection(grant, 0)], ["a\"b"])));
    }

    [Fact]
    public void What_was_written_is_zeroed_with_the_body()
    {
        using var grant = Grant(InjectionSlot.FormField);
        var body = Read($"{Field}={grant.Placeholder}", "application/x-www-form-urlencoded", grant);
        var written = body.Write([new Injection(grant, 0)], ["the-secret-value"]);
        Assert.Equal($"{Field}=the-secret-value", Encoding.ASCII.GetString(written));
        body.Dispose();
        Assert.All(written, b => Assert.Equal(0, b));
    }

    private static int Count(JsonElement element, ReadOnlySpan<string> path, string text)
    {
        if (path.IsEmpty)
            return element.ValueKind == JsonValueKind.String && element.GetString() == text ? 1 : 0;
        if (element.ValueKind != JsonValueKind.Object)
            return 0;
        var count = 0;
        foreach (var property in element.EnumerateObject())
        {
            if (property.Name == path[0])
                count += Count(property.Value, path[1..], text);
        }
        return count;
    }

    private static UnlockedGrant Grant(InjectionSlot slot)
    {
        using var grants = new TestGrants($"name: api\nbindings:\n  - {{ hosts: [api.moat.test], slot: {(slot == InjectionSlot.JsonField ? "json" : "form")}, name: {Field} }}\n");
        grants.Put("api");
        grants.Unlock(["api"]);
        return grants.Release();
    }

    private static FieldBody Read(string text, string type, UnlockedGrant grant)
    {
        var context = new DefaultHttpContext();
        context.Request.ContentType = type;
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(text));
        // A body in memory is there at once.
        var read = FieldBody.ReadAsync(new InjectionPlan([new Injection(grant, 0)]), "POST", "/", context.Request).AsTask();
        Assert.True(read.IsCompletedSuccessfully);
        return read.GetAwaiter().GetResult().Body!;
    }
}
