using System.Security.Cryptography;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Runs.Tests;

/// <summary>A state folder and a vault of one test.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly Lazy<Vault> _vault;

    public Scratch(string under = "")
    {
        Root = Directory.CreateTempSubdirectory("moat-runs-").FullName;
        State = Directory.CreateDirectory(Path.Combine(Root, under, "state")).FullName;
        Store = new RunStore(State);
        _vault = new Lazy<Vault>(() => Vault.Open(Path.Combine(Root, "data"), options: new VaultOptions { UseKeyring = false }));
    }

    public string Root { get; }

    public string State { get; }

    public RunStore Store { get; }

    public static RunSpec Spec(string name = "one", string? id = null, string workspace = "/ws/one", string[]? grants = null) => new()
    {
        Id = id ?? "run_" + RandomNumberGenerator.GetHexString(12, lowercase: true),
        Name = name,
        Command = ["true"],
        Interactive = false,
        Workspace = new WorkspaceSpec(workspace),
        Network = new NetworkSpec { Mode = NetworkMode.Strict },
        Grants = [.. (grants ?? []).Select(grant => new GrantSpec(grant))],
        CreatedAt = DateTimeOffset.UtcNow,
    };

    /// <summary>An unlocked grant whose secret is the given text.</summary>
    public IReadOnlyList<UnlockedGrant> Grant(string secret)
    {
        _vault.Value.Put(new StoredCredential { Provider = "openai", Token = Secret.FromText(secret), CreatedAt = DateTimeOffset.UnixEpoch });
        return GrantUnlocker.Unlock(Spec(grants: ["openai"]), _vault.Value, ProviderCatalog.Load(null), RandomNumberGenerator.GetBytes(32));
    }

    public static string NewSecret() => "sk-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    public void Dispose()
    {
        if (_vault.IsValueCreated) _vault.Value.Dispose();
        Directory.Delete(Root, recursive: true);
    }
}
