using System.Collections.Immutable;
using System.Security.Cryptography;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Identity;
using Moat.Gateway.Injections;

namespace Moat.Gateway.Tests;

/// <summary>The choice of bindings against an oracle that is written to be read, not to be fast.</summary>
public sealed class ChoiceOracleTests
{
    private const int Grants = 24;
    private static readonly string[] s_hosts = ["a.moat.test", "b.moat.test", "x.b.moat.test", "moat.test"];
    private static readonly string[] s_bound = ["a.moat.test", "b.moat.test", "\"*.moat.test\"", "\"*.moat.test\"", "\"*.moat.test\"", "\"*.b.moat.test\"", "\"b.moat.test:8443\""];
    private static readonly string[] s_slots =
    [
        "slot: header, name: X-Key", "slot: header, name: x-key, prefix: \"Bearer \"", "slot: header, name: Authorization, prefix: \"Bearer \"", "slot: basic-password, user: u",
        "slot: basic-user", "slot: query, name: key", "slot: query, name: key2", "slot: path", "slot: path, prefix: bot", "slot: cookie, name: session",
    ];

    private static readonly string[] s_methods = ["\"*\"", "\"*\"", "\"*\"", "GET", "POST"];
    private static readonly string[] s_patterns = ["/**", "/**", "/**", "/**", "/a/**", "/*/b", "/a", "/**/c"];
    private static readonly string[] s_segments = ["a", "b", "c"];

    [Fact]
    public void Ten_thousand_exchanges_take_what_the_oracle_says()
    {
        using var pool = new TestGrants([.. Enumerable.Range(0, Grants).Select(Provider)]);
        var names = Enumerable.Range(0, Grants).Select(i => $"g{i}").ToArray();
        foreach (var name in names)
            pool.Put(name);
        pool.Unlock(names, names.Where((_, i) => i % 3 == 0).ToDictionary(name => name, name => (string[])(name.Length % 2 == 0 ? ["GET /a/**"] : ["* /**/c", "POST /a"])));
        var (refused, injected) = (0, 0);

        (from grants in Gen.Int[0, Grants - 1].HashSet[1, 5]
         from host in Gen.Int[0, s_hosts.Length - 1].Select(i => s_hosts[i])
         from port in Gen.Int[0, 9].Select(i => ((int[])[443, 443, 443, 443, 443, 443, 443, 443, 8443, 80])[i])
         from method in Gen.Int[0, 2].Select(i => ((string[])["GET", "POST", "PUT"])[i])
         from path in Gen.Int[0, 2].Select(i => s_segments[i]).Array[0, 3]
         from spots in Gen.Select(Gen.Int[0, 7], Gen.Int[0, 3]).Array[0, 3]
         select (grants, host, port, method, path, spots)).Sample(
            c =>
            {
                var run = c.grants.Order().Select(i => pool.Unlocked[i]).ToArray();
                var (target, headers) = Request(c.path, [.. c.spots.Select(spot => (spot.Item1, run[spot.Item2 % run.Length].Placeholder))]);
                Assert.True(Authority.TryParse($"{c.host}:{c.port}", 443, out var authority, out _));
                var expected = Oracle(run, c.host, c.port, c.method, target, headers);
                var plan = new InjectionTable(run).PlanFor(authority, tls: true);
                var chosen = plan.All;
                if (plan.HasChoice && InjectionChoice.Choose(plan, c.method, target, headers, null, out chosen) is not null)
                    Assert.Null(expected);
                else
                    Assert.Equal(expected, chosen.Select(injection => $"{injection.Grant.Name}/{injection.Index}").Order(StringComparer.Ordinal));
                if (expected is null)
                    Interlocked.Increment(ref refused);
                else if (expected.Count > 0)
                    Interlocked.Increment(ref injected);
            },
            iter: 10_000);

        // An oracle that never had to decide would prove nothing.
        Assert.True(refused > 500 && injected > 2_000, $"{refused} refused, {injected} injected");
    }

    private static string Provider(int index)
    {
        // The same providers in every run: pseudo-random from the index alone.
        var bytes = SHA256.HashData([(byte)index]);
        var lines = Enumerable.Range(0, bytes[0] % 3 + 1).Select(i =>
        {
            var at = i * 4 + 1;
            return $"  - {{ hosts: [{s_bound[bytes[at] % s_bound.Length]}], {s_slots[bytes[at + 1] % s_slots.Length]}, method: {s_methods[bytes[at + 2] % s_methods.Length]}, path: \"{s_patterns[bytes[at + 3] % s_patterns.Length]}\" }}";
        });
        return $"name: g{index}\nbindings:\n{string.Join('\n', lines)}\n";
    }

    private static (string Target, IHeaderDictionary Headers) Request(string[] path, (int Spot, string Placeholder)[] spots)
    {
        IHeaderDictionary headers = new HeaderDictionary();
        var segments = path.ToList();
        var query = new List<string>();
        foreach (var (spot, placeholder) in spots)
        {
            switch (spot)
            {
                case 0: headers["X-Key"] = placeholder; break;
                case 1: headers["X-Key"] = "Bearer " + placeholder; break;
                case 2: headers.Authorization = "Bearer " + placeholder; break;
                case 3: headers.Authorization = "Basic " + Convert.ToBase64String([.. "u:"u8, .. System.Text.Encoding.ASCII.GetBytes(placeholder)]); break;
                case 4: query.Add("key=" + placeholder); break;
                case 5: query.Add("key2=" + placeholder); break;
                case 6: segments.Add("bot" + placeholder); break;
                default: headers.Cookie = "a=1; session=" + placeholder; break;
            }
        }
        return ("/" + string.Join('/', segments) + (query.Count > 0 ? "?" + string.Join('&', query) : ""), headers);
    }

    /// <summary>The names of what is injected; null where the request is refused.</summary>
    private static List<string>? Oracle(IReadOnlyList<UnlockedGrant> run, string host, int port, string method, string target, IHeaderDictionary headers)
    {
        var path = target.Split('?')[0];
        var query = target.Contains('?', StringComparison.Ordinal) ? target.Split('?')[1].Split('&') : [];
        var taken = new List<(UnlockedGrant Grant, int Index, InjectionBinding Binding, bool Named)>();
        foreach (var grant in run)
        {
            for (var i = 0; i < grant.Bindings.Length; i++)
            {
                var b = grant.Bindings[i];
                var hostFits = b.Host[0] == '*' ? host.EndsWith(b.Host[1..], StringComparison.Ordinal) : host == b.Host;
                if (!hostFits || port != (b.Port ?? 443) || (b.Method != "*" && b.Method != method) || !Fits(b.Path, path))
                    continue;
                var header = b.Header.Length > 0 ? headers[b.Header].ToString() : "";
                var decoded = header.StartsWith("Basic ", StringComparison.Ordinal) ? System.Text.Encoding.ASCII.GetString(Convert.FromBase64String(header[6..])).Split(':') : header.Split(' ');
                var count = b.Slot switch
                {
                    InjectionSlot.Query => query.Count(pair => pair == $"{b.Name}={grant.Placeholder}"),
                    InjectionSlot.Path => path.Split('/').Count(segment => segment == b.Argument + grant.Placeholder),
                    InjectionSlot.Cookie => headers.Cookie.ToString().Split("; ").Count(pair => pair == $"{b.Name}={grant.Placeholder}"),
                    _ => decoded.Contains(grant.Placeholder) ? 1 : 0,
                };
                if (b.Header.Length == 0 && count > 1)
                    return null;
                if (b.Header.Length > 0 || count == 1)
                    taken.Add((grant, i, b, count == 1));
            }
        }

        bool Rivals(InjectionBinding one, InjectionBinding other) => one.Header.Length > 0 && one.Header.Equals(other.Header, StringComparison.OrdinalIgnoreCase);
        var named = taken.Where(t => t.Named).Select(t => t.Grant).ToHashSet();
        var losers = (from one in taken from other in taken where one.Grant != other.Grant && Rivals(one.Binding, other.Binding) && !named.Contains(one.Grant) && named.Contains(other.Grant) select one.Grant).ToHashSet();
        taken.RemoveAll(t => losers.Contains(t.Grant));
        if ((from one in taken from other in taken where one.Grant != other.Grant && Rivals(one.Binding, other.Binding) select 0).Any())
            return null;

        var kept = taken.GroupBy(t => t.Binding.Header.Length == 0 ? $"{t.Grant.Name}/{t.Index}" : t.Binding.Header.ToUpperInvariant())
            .Select(group => group.FirstOrDefault(t => t.Named) is { Grant: not null } mine ? mine : group.First()).ToList();
        if (kept.Any(t => t.Grant.Scopes.Any(scope => !scope.Rules.Any(rule => (rule.Method == "*" || rule.Method == method) && Fits(rule.Path, path)))))
            return null;
        return [.. kept.Select(t => $"{t.Grant.Name}/{t.Index}").Order(StringComparer.Ordinal)];
    }

    private static bool Fits(string pattern, string path) => Fits([.. pattern.Split('/', StringSplitOptions.RemoveEmptyEntries)], [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries)]);

    private static bool Fits(ImmutableArray<string> pattern, ImmutableArray<string> path)
    {
        if (pattern.IsEmpty)
            return path.IsEmpty;
        if (pattern[0] == "**")
            return Fits(pattern[1..], path) || (!path.IsEmpty && Fits(pattern, path[1..]));
        return !path.IsEmpty && (pattern[0] == "*" || pattern[0] == path[0]) && Fits(pattern[1..], path[1..]);
    }
}
