using System.Security.Cryptography;
using Moat.Credentials;

namespace Moat.Runs;

/// <summary>
/// Masks the run's credentials in what is kept of the agent's output. None should ever get there, since the sandbox
/// holds placeholders; a file in the workspace or a mount may hold one all the same.
/// </summary>
internal sealed class LogRedactor : IDisposable
{
    private readonly IReadOnlyList<UnlockedGrant> _grants;
    private readonly Lock _gate = new();
    private byte[][] _forms = [];
    private long _generation = -1;

    public LogRedactor(IReadOnlyList<UnlockedGrant> grants)
    {
        _grants = grants;
        Refresh();
    }

    /// <summary>Masks every form of every credential in place.</summary>
    /// <returns>The length of the longest form: what a cut of a text has to leave for the next piece.</returns>
    public void Mask(Span<byte> text)
    {
        if (_grants.Count == 0) return;
        lock (_gate)
        {
            Refresh();
            foreach (var form in _forms)
            {
                for (var rest = text; rest.IndexOf(form) is >= 0 and var at; rest = rest[(at + form.Length)..])
                    rest.Slice(at, form.Length).Fill((byte)'*');
            }
        }
    }

    /// <summary>Bytes of the longest form; 0 when the run has no credential.</summary>
    public int Longest
    {
        get
        {
            lock (_gate) return _forms.Length == 0 ? 0 : _forms.Max(form => form.Length);
        }
    }

    public void Dispose()
    {
        lock (_gate) Clear();
    }

    private void Refresh()
    {
        // A rotation adds forms; the old ones stay, since the old credential may still be about.
        var generation = _grants.Sum(grant => grant.Generation);
        if (generation == _generation) return;
        Clear();
        _forms = [.. _grants.SelectMany(grant => grant.SecretForms()).OrderByDescending(form => form.Length)];
        _generation = generation;
    }

    private void Clear()
    {
        foreach (var form in _forms) CryptographicOperations.ZeroMemory(form);
        _forms = [];
    }
}
