namespace Moat.Credentials;

/// <summary>
/// Renews one credential of a vault, once for every run and process that shares it:
/// <code>
///   (1) the credential's lock ─► (2) read again: renewed meanwhile? done ─► (3) ask the token endpoint
///       ─► (4) put it, if what was read in (2) is still what is stored
/// </code>
/// Where the service refuses for good, the refusal is stored in the credential's place: every run that watches it denies
/// within a second.
/// </summary>
internal sealed class Refresher(Vault vault, HttpMessageHandler? handler, TimeProvider time)
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(100);
    private readonly TokenEndpoint _endpoint = new(handler);

    /// <summary>Renews the credential if it is due; returns when it is renewed, by whomever, or not due, or gone.</summary>
    /// <param name="name">The grant.</param>
    /// <param name="jitter">As in <see cref="RefreshInfo.DueAt"/>.</param>
    /// <param name="ct">Cancels the wait.</param>
    /// <exception cref="TokenRefusedException">It is due and could not be renewed.</exception>
    internal async Task RefreshAsync(string name, double jitter, CancellationToken ct)
    {
        // 1
        while (IsDue(name, jitter))
        {
            using var turn = vault.TryLockForRefresh(name);
            if (turn is null)
            {
                await Task.Delay(s_turn, ct).ConfigureAwait(false);
                continue;
            }

            // 2
            using var credential = vault.Read(name, out var version);
            if (credential is null || !(RefreshInfo.DueAt(credential, jitter) <= time.GetUtcNow())) return;
            await RenewAsync(credential, version, ct).ConfigureAwait(false);
            return;
        }
    }

    private async Task<TokenAnswer> AskAsync(RefreshInfo info, StoredCredential credential, CancellationToken ct)
    {
        if (info.Role is not null) return await new AwsSts(handler, time).AssumeRoleAsync(info, credential, ct).ConfigureAwait(false);
        if (info.Kind == RefreshKind.Command) return await ExecCredential.RunAsync(info, new GrantSources(Environment.GetEnvironmentVariable, time: time), ct).ConfigureAwait(false);
        try
        {
            return await _endpoint.RefreshAsync(info, credential, ct).ConfigureAwait(false);
        }
        catch (TokenRefusedException refused) when (!refused.IsFinal && info.FallbackUrl.Length > 0)
        {
            return await _endpoint.RefreshAsync(info with { TokenUrl = info.FallbackUrl }, credential, ct).ConfigureAwait(false);
        }
    }

    private bool IsDue(string name, double jitter)
    {
        using var credential = vault.Read(name, out _);
        return credential is not null && RefreshInfo.DueAt(credential, jitter) <= time.GetUtcNow();
    }

    private async Task RenewAsync(StoredCredential credential, VaultVersion version, CancellationToken ct)
    {
        // 3
        TokenAnswer answer;
        try
        {
            answer = await AskAsync(credential.Refresh!, credential, ct).ConfigureAwait(false);
        }
        catch (TokenRefusedException refused) when (refused.IsFinal)
        {
            vault.Replace(credential with { Revoked = refused.Message }, version);
            throw;
        }

        // 4
        using (answer)
        {
            var now = time.GetUtcNow();
            vault.Replace(
                credential with
                {
                    Token = answer.Access,
                    Parts = (answer.Refresh is { } next ? credential.Parts.SetItem(RefreshInfo.RefreshPart, next) : credential.Parts).SetItems(answer.Parts),
                    // An answer without a lifetime (RFC 6749 §5.1 lets it out) lives as long as the last one did.
                    ExpiresAt = now + (answer.Lifetime ?? credential.ExpiresAt - credential.CreatedAt),
                    CreatedAt = now,
                },
                version);
        }
    }
}
