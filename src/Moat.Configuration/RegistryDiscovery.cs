using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// The package registries that the person's own clients (npm, NuGet, pip, cargo, Go, apt) are configured for. Read
/// from user and system configuration and the environment, never from a workspace; no host is built in. Credentials in
/// URLs are dropped.
/// </summary>
public static class RegistryDiscovery
{
    /// <param name="environment">Reads a variable; <c>HOME</c> leads to the configuration files.</param>
    /// <param name="cacheDirectory">Where the answers are kept; created on demand.</param>
    public static ImmutableArray<HostRuleSpec> Discover(Func<string, string?> environment, string cacheDirectory) => throw new NotSupportedException(environment + cacheDirectory);
}
