using System.Collections.Immutable;
using System.Security.Cryptography;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Gateway.Tests;

/// <summary>A vault in a folder of its own with generated secrets, and the grants unlocked from it.</summary>
internal sealed class TestGrants : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-gateway-").FullName;
    private readonly Vault _vault;
    private readonly ProviderCatalog _catalog;

    public TestGrants(params string[] providers)
    {
        var yaml = Path.Combine(_folder, "providers");
        Directory.CreateDirectory(yaml);
        for (var i = 0; i < providers.Length; i++)
            File.WriteAllText(Path.Combine(yaml, $"{i}.yaml"), providers[i]);
        _vault = Vault.Open(_folder, "", new VaultOptions { UseKeyring = false });
        _catalog = ProviderCatalog.Load(yaml);
    }

    public IReadOnlyList<UnlockedGrant> Unlocked { get; private set; } = [];

    public static string NewToken() => "tok_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    public string Put(string name, params string[] allow) => Put(name, [], allow);

    public string Put(string name, ImmutableArray<TokenCapture> captures, params string[] allow)
    {
        var token = NewToken();
        using var credential = new StoredCredential { Provider = name, Token = Secret.FromText(token), Allow = [.. allow], Captures = captures, CreatedAt = DateTimeOffset.UnixEpoch };
        _vault.Put(credential);
        return token;
    }

    public void Put(StoredCredential credential)
    {
        using (credential) _vault.Put(credential);
    }

    /// <summary>Grants as a person does, with a network and an environment of the test's own.</summary>
    public Task<GrantInfo> GrantAsync(GrantRequest request, HttpMessageHandler handler, Func<string, string?> environment) =>
        new GrantService(_vault, _catalog, handler, environment).GrantAsync(request);

    public void Unlock(string[] names, IReadOnlyDictionary<string, string[]>? allow = null, params UnlockedGrant[] extra)
    {
        var spec = new RunSpec
        {
            Id = "run_000000000000",
            Name = "test",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Grants = [.. names.Select(name => new GrantSpec(name) { Allow = [.. allow?.GetValueOrDefault(name) ?? []] })],
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        Unlocked = [.. GrantUnlocker.Unlock(spec, _vault, _catalog, RandomNumberGenerator.GetBytes(32)), .. extra];
    }

    /// <summary>Hands the one grant over: it outlives its vault.</summary>
    public UnlockedGrant Release()
    {
        var grant = Unlocked.Single();
        Unlocked = [];
        return grant;
    }

    /// <summary>What the supervisor's watch does within a second, done now.</summary>
    public void CheckNow()
    {
        using var watch = GrantWatch.Start(_vault, Unlocked);
        watch.CheckNow();
    }

    public void Remove(string name) => _vault.Remove(name);

    public void Dispose()
    {
        foreach (var grant in Unlocked)
            grant.Dispose();
        _vault.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
