using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>What a configuration may do, in lines for the person who is asked to trust it.</summary>
public static class TrustSummary
{
    /// <summary>
    /// A line for each thing asked for. Values of the environment are left out and control characters replaced: the
    /// text comes from the agent.
    /// </summary>
    public static ImmutableArray<string> Of(MoatConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var lines = ImmutableArray.CreateBuilder<string>();
        if (!configuration.Command.IsEmpty) lines.Add("runs: " + Text.Long(string.Join(' ', configuration.Command.Select(Quote))));
        if (!configuration.Grants.IsEmpty) lines.Add("uses grants: " + string.Join(", ", configuration.Grants.Select(grant => grant.Allow.IsEmpty ? grant.Name : $"{grant.Name} (for {string.Join(", ", grant.Allow)} alone)")));
        foreach (var secret in configuration.Secrets)
        {
            lines.Add(secret.Expose ? $"HANDS THE SECRET {secret.Name} TO THE AGENT, from {Text.Long(secret.Source)}" : $"uses the secret {secret.Name}, from {Text.Long(secret.Source)}, at {string.Join(", ", secret.Hosts)}");
            if (secret.Source.StartsWith("cmd://", StringComparison.Ordinal)) lines.Add($"RUNS ON THIS HOST: {Text.Long(secret.Source["cmd://".Length..])}");
        }
        if (configuration.Network is { } network) Network(network, lines);
        if (configuration.Policy is { } policy) lines.Add($"decides by the policy {Text.Long(policy)}{(configuration.PolicyMode is { } mode and not PolicyMode.Enforce ? $" ({mode}: NOTHING is denied by it)" : "")}{(configuration.Network is null ? ", which ALONE says what may be reached" : "")}");
        foreach (var mount in configuration.Mounts)
            lines.Add($"mounts {Text.Long(mount.Source)} at {Text.Long(mount.Target)}{(mount.ReadOnly ? " (read only)" : " (writable)")}");
        if (!configuration.Env.IsEmpty) lines.Add("sets variables: " + string.Join(", ", configuration.Env.Keys));
        if (!configuration.Downgrades.IsEmpty) lines.Add("GIVES UP protections: " + string.Join(", ", configuration.Downgrades));
        return lines.ToImmutable();
    }

    private static void Network(NetworkConfiguration network, ImmutableArray<string>.Builder lines)
    {
        if (network.Mode == NetworkMode.Permissive) lines.Add("reaches EVERY public host (policy: permissive)");
        foreach (var rule in network.Rules)
        {
            var port = rule.Port is { } number ? string.Create(CultureInfo.InvariantCulture, $":{number}") : "";
            var requests = rule.Requests.IsEmpty ? "" : " (" + string.Join("; ", rule.Requests.Select(r => $"{(r.Allow ? "allow" : "deny")} {r.Method} {r.Path}")) + ")";
            // Nothing but stars names nobody.
            var host = rule.Host.AsSpan().IndexOfAnyExcept('*', '.') < 0 ? $"EVERY public host ({rule.Host})" : rule.Host;
            lines.Add($"reaches {host}{port}{Text.Long(requests)}");
        }
        if (!network.HostPorts.IsEmpty) lines.Add("reaches ports of this host: " + string.Join(", ", network.HostPorts.Select(p => p.ToString(CultureInfo.InvariantCulture))));
        foreach (var (host, address) in network.Resolve) lines.Add($"sends {host} to {address}");
        foreach (var ca in network.Ca)
            lines.Add("trusts certificates of " + (ca.Contains("-----BEGIN", StringComparison.Ordinal) ? "an authority in the file" : Text.Long(ca)));
    }

    private static string Quote(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,@%+".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
