using Moat.Credentials;
using Moat.Gateway.Captures;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.Pipeline;

/// <summary>The redactor of the run's secrets, captured ones too, as they are now. A rotation makes a new one, which knows the old secrets too.</summary>
internal sealed class RunRedactor(IReadOnlyList<UnlockedGrant> grants, CaptureBook? book = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<SecretRedactor> _outdated = [];
    private volatile Versioned? _current;

    /// <summary>
    /// Knows every secret that a grant gave out before this call. Ask after the credentials of a request were read: then
    /// a rotation in between cannot let the newer one through.
    /// </summary>
    public SecretRedactor Current
    {
        get
        {
            var generation = Generation;
            return _current is { } current && current.Generation == generation ? current.Redactor : Renew();
        }
    }

    private long Generation
    {
        get
        {
            long sum = 0;
            for (var i = 0; i < grants.Count; i++)
                sum += grants[i].Generation;
            foreach (var captured in book?.Grants ?? [])
                sum += captured.Generation + 1;
            return sum;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _current?.Redactor.Dispose();
            foreach (var redactor in _outdated)
                redactor.Dispose();
        }
    }

    private SecretRedactor Renew()
    {
        lock (_lock)
        {
            // Read before the forms: a rotation after this makes one more renewal, never one too few.
            var generation = Generation;
            if (_current is { } current)
            {
                if (current.Generation == generation)
                    return current.Redactor;
                // Exchanges under way still mask with it.
                _outdated.Add(current.Redactor);
            }
            var redactor = SecretRedactor.Of([.. grants, .. book?.Grants ?? []], _current?.Redactor);
            _current = new Versioned(generation, redactor);
            return redactor;
        }
    }

    private sealed record Versioned(long Generation, SecretRedactor Redactor);
}
