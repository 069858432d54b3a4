using System.Collections.Immutable;
using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials.Ssh;

/// <summary>
/// The grants <c>ssh:HOST</c>: one key for one host. The key stays in the person's ssh-agent, or lies in the vault; with it
/// are stored the host's own keys, which a session has to show before anything is signed for it.
/// </summary>
public static class SshGrant
{
    /// <summary>How the names of these grants begin.</summary>
    public const string Prefix = "ssh:";

    /// <summary>The one port that is relayed.</summary>
    public const int Port = 22;

    internal const string KeyFact = "key", HostKeysFact = "host_keys", BackingFact = "backing", CommitsFact = "sign_commits", Agent = "agent", InVault = "vault";

    /// <summary>The host of a grant of this family; null for any other grant.</summary>
    public static string? HostOf(string grant) => grant.StartsWith(Prefix, StringComparison.Ordinal) ? grant[Prefix.Length..] : null;

    /// <summary>The provider of a name of this family; null for any other name.</summary>
    /// <exception cref="MoatException">The name's host is none.</exception>
    internal static ProviderDefinition? Provider(string name)
    {
        if (HostOf(name) is not { } host) return null;
        if (!GrantNames.IsName(name) || !HostPattern.TryParse(host, out var pattern, out _) || pattern.Host != host || host.StartsWith("*.", StringComparison.Ordinal))
            throw new MoatException($"\"{GrantNames.Printable(host)}\" is no host for an SSH grant", "name one host in lower case and no port (22 is relayed): moat grant ssh --host github.com");
        return new ProviderDefinition
        {
            Name = name,
            Description = $"SSH to {host}",
            Bindings = [],
            Placeholder = PlaceholderTemplate.Default,
            Find = (sources, request, ct) => FindAsync(host, sources, request, ct),
        };
    }

    /// <summary>The grant that is asked for: <c>ssh</c> with <c>--host</c> is <c>ssh:HOST</c>.</summary>
    /// <exception cref="MoatException">Options of these grants with another one.</exception>
    internal static GrantRequest Named(GrantRequest request)
    {
        if (request.Name == "ssh")
            return request with { Name = Prefix + (request.Host ?? throw new MoatException("which host is the SSH grant for?", "moat grant ssh --host github.com")), Host = null };
        if (request.Host is not null || (HostOf(request.Name) is null && (request.Key is not null || !request.HostKeys.IsEmpty || request.SignsCommits)))
            throw new MoatException($"the grant {GrantNames.Printable(request.Name)} takes no --host, --key, --host-key or --sign-commits", "these are for: moat grant ssh --host HOST");
        return request;
    }

    /// <summary>What a stored grant of this family shows of itself.</summary>
    internal static string Describe(StoredCredential credential)
    {
        var access = SshAccess.Of(credential.Provider, credential.Metadata);
        return $"{access.Key.Type} {access.Key.Fingerprint} {(access.IsAgentBacked ? "of the ssh-agent" : "in the vault")}{(access.SignsCommits ? ", signs commits" : "")}; the host's own: {string.Join(", ", access.HostKeys.Select(key => key.Fingerprint))}";
    }

    private static async Task<GrantDraft> FindAsync(string host, GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var pinned = request.HostKeys.IsEmpty ? await KnownHosts.FindAsync(sources, host, ct).ConfigureAwait(false) : KnownHosts.Parse(request.HostKeys);
        if (pinned.IsEmpty)
            throw new MoatException($"no key of {host} is known, and the first one that comes is not trusted", $"connect once yourself and compare the fingerprint with the one that {host} publishes (ssh {host}), or name the key: --host-key \"ssh-ed25519 AAAA…\"");
        return request.Key is { } path && File.Exists(path) && !path.EndsWith(".pub", StringComparison.Ordinal)
            ? OfFile(path, pinned, request.SignsCommits)
            : await OfAgentAsync(host, sources, request, pinned, ct).ConfigureAwait(false);
    }

    private static GrantDraft OfFile(string path, ImmutableArray<SshPublicKey> pinned, bool signsCommits)
    {
        var (key, section) = OpenSshKeyFile.Read(path);
        using (section)
        {
            var text = GC.AllocateUninitializedArray<byte>(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(section.Length), pinned: true);
            _ = System.Buffers.Text.Base64.EncodeToUtf8(section.Reveal(), text, out _, out var written);
            return new GrantDraft(Secret.Take(text.AsSpan(0, written)), $"the file {path}") { Metadata = Facts(key, pinned, InVault, signsCommits) };
        }
    }

    private static async Task<GrantDraft> OfAgentAsync(string host, GrantSources sources, GrantRequest request, ImmutableArray<SshPublicKey> pinned, CancellationToken ct)
    {
        var socket = sources.Variable(SshAgentClient.Variable)
            ?? throw new MoatException($"there is no key for {host}: {SshAgentClient.Variable} is not set, so there is no ssh-agent", $"start one and add the key (eval \"$(ssh-agent)\"; ssh-add), or name a key file: moat grant ssh --host {host} --key FILE");
        var keys = await new SshAgentClient(socket).ListAsync(ct).ConfigureAwait(false);
        var wanted = request.Key is { } path && File.Exists(path) ? SshPublicKey.Parse(File.ReadAllText(path))?.Fingerprint ?? path : request.Key;
        var fitting = keys.Where(key => wanted is null || key.Key.Fingerprint == wanted || key.Comment == wanted).ToList();
        if (fitting is not [var (found, _)])
        {
            var there = keys.Count == 0 ? "the ssh-agent has no key (ssh-add adds one)" : $"the ssh-agent has {string.Join(", ", keys.Select(key => $"{key.Key.Fingerprint} ({GrantNames.Printable(key.Comment)})"))}";
            throw new MoatException(fitting.Count == 0 ? $"no such key for {host} was found" : $"it is not clear which key is for {host}", $"{there}; choose with --key FINGERPRINT, --key COMMENT or --key FILE");
        }
        // Nothing of the agent's key is here. What the vault keeps in its place is worth nothing and stands nowhere else.
        return new GrantDraft(Secret.FromText(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))), "the ssh-agent") { Metadata = Facts(found, pinned, Agent, request.SignsCommits) };
    }

    private static ImmutableSortedDictionary<string, string> Facts(SshPublicKey key, ImmutableArray<SshPublicKey> pinned, string backing, bool signsCommits)
        => ImmutableSortedDictionary<string, string>.Empty
            .Add(KeyFact, key.ToString()).Add(HostKeysFact, string.Join('\n', pinned)).Add(BackingFact, backing).Add(CommitsFact, signsCommits ? "yes" : "no");
}
