using System.Collections.Immutable;
using System.Text;
using Moat.Credentials;
using Moat.Policy;

namespace Moat.Gateway.Aws;

/// <summary>What a run's <c>aws</c> grant means at the gateway: the placeholder that the sandbox signs with, and what may be signed anew.</summary>
internal sealed class AwsSigner
{
    private readonly byte[] _placeholder;
    private readonly ImmutableArray<(GrantScope Scope, ImmutableArray<(AwsScopeRule Rule, RequestScope? Requests)> Rules)> _scopes;

    public AwsSigner(UnlockedGrant grant, string placeholder)
    {
        Grant = grant;
        KeyId = AwsKeys.PlaceholderId(placeholder);
        _placeholder = Encoding.ASCII.GetBytes(placeholder);
        _scopes = [.. grant.Scopes.Select(scope => (scope, scope.Aws.Select(Compile).ToImmutableArray()))];
    }

    public UnlockedGrant Grant { get; }

    /// <summary>The id of the key that the sandbox signs with.</summary>
    public string KeyId { get; }

    /// <summary>Bodies that are read whole to be signed.</summary>
    public AwsBodies Bodies { get; } = new();

    /// <summary>True when operations decide.</summary>
    public bool AsksForActions(in AwsCredentialScope signed)
    {
        foreach (var (_, rules) in _scopes)
        {
            foreach (var (rule, _) in rules)
            {
                if (rule.Action.Length > 0 && rule.IsFor(signed))
                    return true;
            }
        }
        return false;
    }

    /// <summary>The scope that a request is outside of; null when it is inside of each.</summary>
    /// <param name="action">Empty: none was told.</param>
    /// <param name="target">With the bucket in its path, wherever the request has it.</param>
    public GrantScope? Outside(in AwsCredentialScope signed, string action, string method, string target)
    {
        foreach (var (scope, rules) in _scopes)
        {
            var inside = false;
            foreach (var (rule, requests) in rules)
                inside |= rule.IsFor(signed) && (rule.Action.Length == 0 || (action.Length > 0 && rule.IsForAction(action))) && (requests is null || requests.Allows(method, target));
            if (!inside)
                return scope;
        }
        return null;
    }

    /// <summary>The signing key of the placeholder. It is no secret: the sandbox has it too.</summary>
    public byte[] PlaceholderKey(in AwsCredentialScope scope) => SigV4.DeriveKey(_placeholder, scope);

    private static (AwsScopeRule Rule, RequestScope? Requests) Compile(AwsScopeRule rule)
        => (rule, rule.Path.Length == 0 ? null : RequestScope.Compile([(rule.Method, rule.Path)]));
}
