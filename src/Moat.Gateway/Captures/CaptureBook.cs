using System.Collections.Immutable;
using Moat.Credentials;
using Moat.Gateway.Identity;
using Moat.Gateway.Injections;
using Moat.Gateway.Redaction;
using Moat.Policy;

namespace Moat.Gateway.Captures;

/// <summary>The tokens that answers brought during this run, and the endpoints that bring them.</summary>
internal sealed class CaptureBook : IDisposable
{
    /// <summary>Tokens of one run; each costs memory in the search for secrets until the run ends.</summary>
    public const int MaxTokens = 512;

    private readonly Lock _lock = new();
    private readonly ImmutableArray<CapturePlace> _places;
    private volatile Tokens _tokens = new([], []);

    public CaptureBook(IReadOnlyList<UnlockedGrant> grants) =>
        _places = [.. grants.SelectMany(grant => grant.Captures.Select(capture => new CapturePlace(grant, capture)))];

    /// <summary>Every captured token, as a grant; it only grows.</summary>
    public ImmutableArray<UnlockedGrant> Grants => _tokens.Grants;

    /// <summary>Where they go.</summary>
    public ImmutableArray<Injection> Injections => _tokens.Injections;

    /// <summary>The place whose answer to this request holds tokens; null for any other request.</summary>
    public CapturePlace? Find(Destination destination, string target)
    {
        foreach (var place in _places)
        {
            if (place.Covers(destination, target))
                return place;
        }
        return null;
    }

    /// <summary>Keeps a token; one that is known keeps its placeholder.</summary>
    /// <exception cref="RedactionRefusedException">The run has too many.</exception>
    public string Add(CapturePlace place, CapturedKind kind, ReadOnlySpan<byte> token)
    {
        var secret = Secret.Copy(token);
        lock (_lock)
        {
            foreach (var known in _tokens.Grants)
            {
                if (!known.Secret.SameAs(secret) || known.Name != place.Grant.Name || !known.Bindings.SequenceEqual(place.Capture.BindingsOf(kind)))
                    continue;
                secret.Dispose();
                return known.Placeholder;
            }
            if (_tokens.Grants.Length == MaxTokens)
            {
                secret.Dispose();
                throw new RedactionRefusedException($"this run has {MaxTokens} tokens already, which is as many as the gateway keeps");
            }
            var grant = CapturedToken.Unlock(place.Grant, place.Capture, kind, secret);
            _tokens = new Tokens(_tokens.Grants.Add(grant), _tokens.Injections.AddRange(Enumerable.Range(0, grant.Bindings.Length).Select(i => new Injection(grant, i))));
            return grant.Placeholder;
        }
    }

    public void Dispose()
    {
        foreach (var grant in Grants)
            grant.Dispose();
    }

    private sealed record Tokens(ImmutableArray<UnlockedGrant> Grants, ImmutableArray<Injection> Injections);
}

/// <summary>One endpoint of a grant whose answers hold tokens.</summary>
internal sealed class CapturePlace(UnlockedGrant grant, TokenCapture capture)
{
    private static readonly RequestScope s_clear = RequestScope.Compile([("*", InjectionBinding.AnyPath)]);
    private readonly RequestScope _path = RequestScope.Compile([("*", capture.Path)]);
    private readonly InjectionBinding _place = new(capture.Host, "", InjectionSlot.AnyHeader, "", capture.Port);

    public UnlockedGrant Grant => grant;

    public TokenCapture Capture => capture;

    /// <summary>True also for a path that two servers could read in two ways: it may be this one.</summary>
    public bool Covers(Destination destination, string target) =>
        _place.Matches(destination.Authority.Host.Value, destination.Authority.Port, destination.Scheme == "https") && (_path.Allows("GET", target) || !s_clear.Allows("GET", target));
}
