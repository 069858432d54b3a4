using System.Collections.Immutable;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>The whole environment of the agent: what is listed here and nothing else of the host's.</summary>
internal static class AgentEnvironment
{
    public const string User = "agent";
    public const string Home = "/home/agent";
    private const string Proxy = "http://127.0.0.1:3128";
    private const string Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static readonly string[] s_fromHost = ["TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ"];

    /// <summary>Later entries win: the host's, Moat's own, the person's, the secrets that the person exposes, the placeholders of the grants.</summary>
    /// <exception cref="MoatException">Two of the last three have the same name.</exception>
    public static ImmutableSortedDictionary<string, string> Of(RunSpec spec, IReadOnlyList<UnlockedGrant> grants, IReadOnlyDictionary<string, Secret> secrets, Func<string, string?> host, IEnumerable<string> hostNames)
    {
        var env = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var name in hostNames.Where(name => name.StartsWith("LC_", StringComparison.Ordinal)).Concat(s_fromHost))
            if (host(name) is { Length: > 0 } value) env[name] = value;
        if (!env.ContainsKey("TERM") && spec.Interactive) env["TERM"] = "xterm-256color";
        env["PATH"] = Path;
        env["HOME"] = Home;
        env["USER"] = env["LOGNAME"] = User;
        env["SHELL"] = "/bin/sh";
        env["MOAT_RUN_ID"] = spec.Id;
        env["MOAT_RUN_NAME"] = spec.Name;
        foreach (var name in (string[])["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]) env[name] = Proxy;
        env["NO_PROXY"] = env["no_proxy"] = "localhost,127.0.0.1,::1";
        foreach (var (name, value) in TrustStores.Variables()) env[name] = value;
        if (SshFiles.AreWanted(grants)) env.Add(SshFiles.Variable);
        foreach (var (name, value) in spec.Env) env[name] = value;
        foreach (var secret in spec.Secrets.Where(secret => secret.Expose))
        {
            if (spec.Env.ContainsKey(secret.Name)) throw new MoatException($"the variable {secret.Name} is set by hand and by a secret", $"leave one of the two out");
            env[secret.Name] = System.Text.Encoding.UTF8.GetString(secrets[secret.Name].Reveal());
        }

        var exposed = spec.Secrets.Where(secret => secret.Expose).Select(secret => secret.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var grant in grants)
            foreach (var (name, placeholder) in grant.Env)
            {
                if (spec.Env.ContainsKey(name))
                    throw new MoatException($"the variable {name} is set by hand and by the grant {grant.Name}", $"leave {name} out: the grant sets it to a placeholder");
                if (exposed.Contains(name)) throw new MoatException($"the variable {name} is an exposed secret and set by the grant {grant.Name}", "leave one of the two out");
                env[name] = placeholder;
            }

        return env.ToImmutable();
    }
}
