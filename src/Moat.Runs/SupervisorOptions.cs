using Moat.Credentials;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>What a supervisor works with.</summary>
public sealed record SupervisorOptions
{
    public required RunSpec Spec { get; init; }

    /// <summary>Moat's state folder: runs, and the locks of names and workspaces.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Moat's data folder: the key that signs audit logs.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The vault of the run's profile; owned by the caller.</summary>
    public required Vault Vault { get; init; }

    /// <summary>The providers; asked for only when the run has grants.</summary>
    public required Func<ProviderCatalog> Catalog { get; init; }

    /// <summary>Where the spec's policy came from; null: it stays as it is while the run goes on.</summary>
    public PolicySource? PolicySource { get; init; }

    /// <summary>Values of the spec's secrets by name; owned by the caller and copied.</summary>
    public IReadOnlyDictionary<string, Secret> Secrets { get; init; } = new Dictionary<string, Secret>();

    /// <summary>Takes a line for the person (standard error); called from any thread.</summary>
    public required Action<string> Say { get; init; }

    /// <summary>Path of <c>moat-init</c>; null: beside this program, or <c>MOAT_INIT</c>.</summary>
    public string? InitPath { get; init; }
}
