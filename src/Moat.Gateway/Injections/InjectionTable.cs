using System.Collections.Immutable;
using Moat.Credentials;
using Moat.Gateway.Aws;
using Moat.Gateway.Captures;
using Moat.Gateway.Identity;
using Moat.Policy;

namespace Moat.Gateway.Injections;

/// <summary>Everything that the run's grants may write, compiled once for the gateway's life, and the tokens that were captured since.</summary>
internal sealed class InjectionTable
{
    private readonly ImmutableArray<Injection> _all;
    private readonly CaptureBook? _book;

    public InjectionTable(IReadOnlyList<UnlockedGrant> grants, CaptureBook? book = null)
    {
        _book = book;
        var all = ImmutableArray.CreateBuilder<Injection>();
        foreach (var grant in grants)
        {
            for (var i = 0; i < grant.Bindings.Length; i++)
                all.Add(new Injection(grant, i));
        }
        _all = all.ToImmutable();
    }

    /// <summary>Grows with each captured token: a plan of another version may lack one.</summary>
    public int Version => _book?.Injections.Length ?? 0;

    /// <summary>What may go into requests to a destination. Asked once for a connection, a spelling of the host and a version.</summary>
    public InjectionPlan PlanFor(in Authority authority, bool tls)
    {
        ImmutableArray<Injection>.Builder? found = null;
        foreach (var injection in _book is { Injections: { IsEmpty: false } captured } ? _all.AddRange(captured) : _all)
        {
            if (injection.Binding.Matches(authority.Host.Value, authority.Port, tls))
                (found ??= ImmutableArray.CreateBuilder<Injection>()).Add(injection);
        }
        return found is null ? InjectionPlan.None : new InjectionPlan(found.ToImmutable());
    }
}

/// <summary>One credential's place, ready to be asked.</summary>
internal sealed class Injection
{
    private readonly RequestScope? _requests;
    private readonly ImmutableArray<(GrantScope Scope, RequestScope Requests)> _scopes;

    public Injection(UnlockedGrant grant, int index)
    {
        (Grant, Index, Binding, Placeholder) = (grant, index, grant.Bindings[index], grant.PlaceholderOf(index));
        (Header, NeedsPlaceholder) = (Binding.Header, Binding.NeedsPlaceholder);
        if (Binding.Slot == InjectionSlot.AwsSignature)
            Aws = new AwsSigner(grant, Placeholder);
        if (Binding.IsNarrow)
            _requests = RequestScope.Compile([(Binding.Method, Binding.Path)]);
        // Those of AWS speak of signatures, and the signer asks them.
        _scopes = [.. grant.Scopes.Where(scope => scope.Aws.IsEmpty).Select(scope => (scope, RequestScope.Compile(
            scope.Rules.Where(rule => rule.Host.Length == 0 || rule.Host == Binding.Host).Select(rule => (rule.Method, rule.Path)))))];
    }

    public UnlockedGrant Grant { get; }

    public int Index { get; }

    public InjectionBinding Binding { get; }

    public string Placeholder { get; }

    /// <summary>Signs anew, for the slot that is a signature; otherwise null.</summary>
    public AwsSigner? Aws { get; }

    /// <summary>As the binding's, which has to work it out.</summary>
    public string Header { get; }

    /// <inheritdoc cref="Header"/>
    public bool NeedsPlaceholder { get; }

    /// <summary>True when it goes into every request to its host: a header of a grant that nobody narrowed.</summary>
    public bool IsUnconditional => _requests is null && _scopes.IsEmpty && !Binding.NeedsPlaceholder;

    /// <summary>True when the method or the path decides, so that a method override header would change the meaning.</summary>
    public bool IsNarrow => _requests is not null || !Grant.Scopes.IsEmpty;

    public bool Covers(string method, string target) => _requests is null || _requests.Allows(method, Read(target));

    /// <summary>The scope that this request is outside of; null when it is inside of each.</summary>
    public GrantScope? Outside(string method, string target)
    {
        foreach (var (scope, requests) in _scopes)
        {
            if (!requests.Allows(method, Read(target)))
                return scope;
        }
        return null;
    }

    private string Read(string target) => Grant.Provider == "npm" ? NpmTarget.Plain(target) : target;
}
