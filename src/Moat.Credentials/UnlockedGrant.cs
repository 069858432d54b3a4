using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>
/// A grant of a running run: what the sandbox sees (placeholder, variables) and what the gateway sends (the credential).
/// Thread-safe. A rotation swaps the credential at once; a revocation makes every later use fail.
/// </summary>
public sealed class UnlockedGrant : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<StoredCredential> _retired = [];
    private readonly ImmutableSortedDictionary<string, string> _placeholders;
    private volatile State _state;
    private bool _disposed;

    /// <param name="provider">What is known of the service.</param>
    /// <param name="credential">Taken over.</param>
    /// <param name="version">The vault's state that the credential is of.</param>
    /// <param name="placeholders">By part; the empty name is the token's.</param>
    /// <param name="scopes">What narrows the grant.</param>
    internal UnlockedGrant(ProviderDefinition provider, StoredCredential credential, VaultVersion version, ImmutableSortedDictionary<string, string> placeholders, ImmutableArray<GrantScope> scopes)
    {
        (Name, Provider, Placeholder, Scopes) = (credential.Provider, provider.Name, placeholders[""], scopes);
        (RemoveHeaders, ExtraHeaders) = (provider.RemoveHeaders, provider.ExtraHeaders);
        Bindings = credential.Bindings.IsEmpty ? provider.Bindings : credential.Bindings;
        (Captures, Template) = (credential.Captures.IsEmpty ? provider.Captures : credential.Captures, provider.Placeholder);
        Trust = credential.Trust;
        _placeholders = placeholders;
        Files = [.. provider.Files.Select(file => file with { Text = file.Text.Replace("${placeholder}", Placeholder, StringComparison.Ordinal) }), .. provider.WriteFiles?.Invoke(credential, placeholders) ?? []];
        Env = provider.ContainerEnv.ToImmutableSortedDictionary(name => name, _ => Placeholder, StringComparer.Ordinal);
        if (provider.WriteEnv is { } write) Env = Env.SetItems(write(credential, placeholders));
        Database = DatabaseTarget.Of(credential);
        _state = Render(credential, version);
    }

    /// <summary>The grant's canonical name (<c>github</c>).</summary>
    public string Name { get; }

    public string Provider { get; }

    public ImmutableArray<InjectionBinding> Bindings { get; }

    /// <summary>What the credential may be used for: a request passes each of them. Empty: for all that its bindings cover.</summary>
    public ImmutableArray<GrantScope> Scopes { get; }

    /// <summary>Taken off every request to a bound host, before the credential goes in.</summary>
    public ImmutableArray<string> RemoveHeaders { get; }

    public ImmutableArray<ExtraHeader> ExtraHeaders { get; }

    /// <summary>Hosts with authorities of their own.</summary>
    public ImmutableArray<ServerTrust> Trust { get; }

    /// <summary>Endpoints whose answers hold tokens.</summary>
    public ImmutableArray<TokenCapture> Captures { get; }

    /// <summary>What the sandbox holds in the credential's place.</summary>
    public string Placeholder { get; }

    /// <summary>The database server that the gateway logs in to; null for a grant of another kind.</summary>
    public DatabaseTarget? Database { get; }

    /// <summary>Variables for the sandbox: placeholders, and settings that are no secret.</summary>
    public ImmutableSortedDictionary<string, string> Env { get; }

    /// <summary>Files of the sandbox's home, with placeholders.</summary>
    public ImmutableArray<GrantFile> Files { get; }

    /// <summary>The current credential. It stays readable until this grant is disposed, also after a rotation.</summary>
    public Secret Secret => _state.Credential.Token;

    /// <summary>The token and every part, as they are now; as readable as <see cref="Secret"/>.</summary>
    public IEnumerable<Secret> Secrets => _state.Credential.Secrets;

    /// <summary>What is stored beside the secrets, as it is now.</summary>
    internal ImmutableSortedDictionary<string, string> Metadata => _state.Credential.Metadata;

    /// <summary>True: deny every request that would need this grant. <see cref="RevokedReason"/> says why.</summary>
    public bool IsRevoked => _state.RevokedReason is not null;

    public string? RevokedReason => _state.RevokedReason;

    /// <summary>Counts rotations and revocations; equal numbers mean the same credential.</summary>
    public long Generation => _state.Generation;

    /// <summary>Null: no expiry is known. <see cref="GrantWatch"/> revokes a grant that expired.</summary>
    public DateTimeOffset? ExpiresAt => _state.ExpiresAt;

    /// <summary>After a rotation or a revocation, on the thread that noticed it.</summary>
    public event Action<UnlockedGrant>? Changed;

    /// <summary>The index of the first binding for a canonical host and port, or -1. Costs no allocation.</summary>
    public int FindBinding(ReadOnlySpan<char> host, int port)
    {
        for (var i = 0; i < Bindings.Length; i++)
            if (Bindings[i].Matches(host, port)) return i;
        return -1;
    }

    /// <summary>
    /// The header value of a binding, or the text that replaces the placeholder; made once a rotation. False when the grant is revoked: the request must be denied.
    /// </summary>
    public bool TryGetValue(int binding, out string value)
    {
        var state = _state;
        value = state.RevokedReason is null ? state.Values[binding] : "";
        return state.RevokedReason is null;
    }

    /// <summary>The token (by the empty name) and the parts of one moment; null when the grant is revoked. They stay readable until this grant is disposed.</summary>
    public IReadOnlyDictionary<string, Secret>? Snapshot()
    {
        var state = _state;
        return state.RevokedReason is null ? state.Credential.Parts.SetItem("", state.Credential.Token) : null;
    }

    /// <summary>What the sandbox holds in place of the secret of a binding.</summary>
    public string PlaceholderOf(int binding) => _placeholders[Bindings[binding].Part];

    /// <summary>
    /// Every form of every secret this grant has had in this run, for redaction: the token and the parts, the Basic payload, and
    /// each base64, base64url, URL-encoded, JSON-escaped and hexadecimal. The caller zeroes them.
    /// </summary>
    public IReadOnlyList<byte[]> SecretForms()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var users = Bindings.Where(binding => binding.Slot == InjectionSlot.BasicPassword).Select(binding => binding.Argument).Distinct(StringComparer.Ordinal).ToArray();
            return [.. _retired.Append(_state.Credential).SelectMany(credential => credential.Secrets).SelectMany(secret => Credentials.SecretForms.Of(secret, users))];
        }
    }

    public override string ToString() => $"grant {Name}";

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _state.Credential.Dispose();
            foreach (var credential in _retired) credential.Dispose();
            _state = _state with { Values = [], RevokedReason = "the run ended" };
        }
    }

    internal PlaceholderTemplate Template { get; }

    internal bool IsRefreshable => _state.Credential.Refresh is not null;

    internal DateTimeOffset? RefreshDueAt(double jitter) => RefreshInfo.DueAt(_state.Credential, jitter);

    internal VaultVersion Version => _state.Version;

    /// <summary>Takes the credential over.</summary>
    internal void Rotate(StoredCredential credential, VaultVersion version)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                credential.Dispose();
                return;
            }
            if (Bindings.Any(binding => binding.Part.Length > 0 && !credential.Parts.ContainsKey(binding.Part)) || DatabaseTarget.Of(credential) != Database)
            {
                credential.Dispose();
                _state = _state with { Values = [], RevokedReason = "it was granted anew for other places; start the run again", Version = version, Generation = _state.Generation + 1 };
                return;
            }
            // The old one is kept for redaction. Its secrets may be the same: only the file was touched, or a revocation was taken back.
            _retired.Add(_state.Credential);
            _state = Render(credential, version) with { Generation = _state.Generation + 1 };
        }
        Changed?.Invoke(this);
    }

    internal void Revoke(string reason)
    {
        lock (_gate)
        {
            if (_disposed || _state.RevokedReason == reason) return;
            // The values are text that cannot be zeroed; at least nothing refers to them any more. The secret stays for
            // redaction: a service may still answer with it.
            _state = _state with { Values = [], RevokedReason = reason, Generation = _state.Generation + 1 };
        }
        Changed?.Invoke(this);
    }

    private State Render(StoredCredential credential, VaultVersion version)
        => new(credential, [.. Bindings.Select(binding => binding.Render(credential.SecretOf(binding.Part)))], version, credential.ExpiresAt, 0, null);

    private sealed record State(StoredCredential Credential, ImmutableArray<string> Values, VaultVersion Version, DateTimeOffset? ExpiresAt, long Generation, string? RevokedReason)
    {
        public override string ToString() => "[secret]";
    }
}
