using Moat.Credentials;

namespace Moat.Gateway.Tests;

/// <summary>A grant whose token endpoint is captured: <c>auth.moat.test/token</c> for use at <see cref="Scene.Api"/>.</summary>
internal sealed class CaptureScene : IDisposable
{
    public const string Auth = "auth.moat.test";

    private readonly TestGrants _grants = new($$"""
        name: login
        bindings:
          - { hosts: [{{Auth}}], slot: basic-password, user: robot, path: /token/** }
        """);

    public CaptureScene()
    {
        Secret = _grants.Put("login", [new TokenCapture(Auth, "/token/**", [Scene.Api])]);
        _grants.Unlock(["login"]);
    }

    public string Secret { get; }

    public UnlockedGrant Grant => _grants.Unlocked[0];

    public SceneOptions Options => new() { Providers = [], Grants = [], Extra = [Grant], Hosts = [Auth] };

    public void Revoke()
    {
        _grants.Remove("login");
        _grants.CheckNow();
    }

    public void Dispose() => _grants.Dispose();
}
