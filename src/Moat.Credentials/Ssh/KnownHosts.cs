using System.Collections.Immutable;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials.Ssh;

/// <summary>The keys of a host that the person knows already. A host that nobody vouched for is not trusted on first use.</summary>
internal static class KnownHosts
{
    /// <summary>The keys in the person's known_hosts and in the host's, less those that are marked as revoked.</summary>
    public static async Task<ImmutableArray<SshPublicKey>> FindAsync(GrantSources sources, string host, CancellationToken ct)
    {
        var files = new List<string> { "/etc/ssh/ssh_known_hosts" };
        if (sources.Variable("HOME") is { } home) files.AddRange([Path.Combine(home, ".ssh", "known_hosts"), Path.Combine(home, ".ssh", "known_hosts2")]);
        var text = new StringBuilder();
        foreach (var file in files.Where(File.Exists))
        {
            // OpenSSH's own program: names may be hashed, patterns or lists there. -f, since it takes the home from the user database.
            using var found = await sources.RunAsync(["ssh-keygen", "-F", host, "-f", file], ct).ConfigureAwait(false);
            if (found is not null) text.Append(Encoding.UTF8.GetString(found.Reveal())).Append('\n');
        }
        return Parse(text.ToString());
    }

    /// <summary>The keys that <c>--host-key</c> names.</summary>
    /// <exception cref="MoatException">One is none.</exception>
    public static ImmutableArray<SshPublicKey> Parse(ImmutableArray<string> texts)
        => [.. texts.Select(text => SshPublicKey.Parse(text) ?? throw new MoatException($"--host-key \"{GrantNames.Printable(text)}\" is no host key", "write its type and its base64 text: --host-key \"ssh-ed25519 AAAA…\"")).Distinct()];

    /// <summary>The keys of lines as ssh-keygen -F prints them: names, type, key. A certificate authority's key is no host key.</summary>
    internal static ImmutableArray<SshPublicKey> Parse(string output)
    {
        var keys = new List<SshPublicKey>();
        var revoked = new HashSet<SshPublicKey>();
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (line[0] == '#' || words.Length < 3) continue;
            if (line[0] != '@' && SshPublicKey.Parse($"{words[1]} {words[2]}") is { } key) keys.Add(key);
            else if (words is ["@revoked", _, var type, var blob, ..] && SshPublicKey.Parse($"{type} {blob}") is { } bad) revoked.Add(bad);
        }
        return [.. keys.Where(key => !revoked.Contains(key)).Distinct()];
    }
}
