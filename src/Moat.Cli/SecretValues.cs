using System.Collections.Immutable;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Cli;

/// <summary>The values of a run's secrets, read on the host before anything starts; zeroed in the end.</summary>
internal sealed class SecretValues : IDisposable
{
    private readonly Dictionary<string, Secret> _byName = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Secret> ByName => _byName;

    /// <param name="secrets">Of the spec.</param>
    /// <param name="given">Those of the command line, with the values that stood there.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">A source has nothing.</exception>
    public static async Task<SecretValues> ReadAsync(ImmutableArray<SecretSpec> secrets, IReadOnlyList<(SecretSpec Secret, string? Value)> given, CancellationToken ct)
    {
        var values = new SecretValues();
        try
        {
            foreach (var secret in secrets)
            {
                var inline = given.FirstOrDefault(other => other.Secret.Name == secret.Name).Value;
                values._byName[secret.Name] = inline is not null ? Secret.FromText(inline) : await new SecretSources().ReadAsync(secret, ct).ConfigureAwait(false);
            }
            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var value in _byName.Values) value.Dispose();
    }
}
