using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// The package registries that the person's own clients (npm, NuGet, pip, cargo, Go, apt) are configured for. Read
/// from user and system configuration and the environment, never from a workspace; no host is built in. Credentials in
/// URLs are dropped, and so is this host's own loopback, which <c>network.host</c> opens.
/// </summary>
public static class RegistryDiscovery
{
    /// <summary>
    /// The rules, each host and port once. Clients that are not configured are asked for their default, once until
    /// something they depend on changes; their answers are kept in the cache folder.
    /// </summary>
    /// <param name="environment">Reads a variable; <c>HOME</c> leads to the configuration files, <c>PATH</c> to the clients.</param>
    /// <param name="cacheDirectory">Where the answers are kept; created on demand.</param>
    public static ImmutableArray<HostRuleSpec> Discover(Func<string, string?> environment, string cacheDirectory)
        => Discover(new RegistryScope(environment, "/"), cacheDirectory, RegistryClients.Ask, TimeProvider.System);

    internal static ImmutableArray<HostRuleSpec> Discover(RegistryScope scope, string cacheDirectory, Func<RegistryScope, RegistryClient, string?> ask, TimeProvider time)
    {
        var key = scope.Key();
        if (RegistryCache.Load(cacheDirectory, key, time.GetUtcNow()) is { } cached) return cached;

        var found = RegistryReaders.ReadAll(scope);
        var silent = RegistryClients.All.Where(c => !found.Any(f => f.Client == c.Name) && scope.Program(c.Program) is not null).ToArray();
        var answers = new string?[silent.Length];
        // Asked side by side: each takes up to a second, and a person waits.
        Parallel.For(0, silent.Length, i => answers[i] = ask(scope, silent[i]));
        for (var i = 0; i < silent.Length; i++)
            found.AddRange(silent[i].Parse(answers[i] ?? "").Select(url => new FoundRegistry(silent[i].Name, url, silent[i].Name)));

        var rules = found.Select(f => RegistryUrl.ToRule(f)).OfType<HostRuleSpec>().DistinctBy(r => (r.Host, r.Port)).ToImmutableArray();
        RegistryCache.Save(cacheDirectory, key, rules, complete: answers.All(a => a is not null), time.GetUtcNow());
        return rules;
    }
}
