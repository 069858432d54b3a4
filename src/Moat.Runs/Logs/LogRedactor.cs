using Moat.Credentials;
using Moat.Gateway.Pipeline;

namespace Moat.Runs;

/// <summary>
/// Masks the run's credentials in what is kept of the agent's output, in every spelling that the gateway masks in
/// responses. None should ever get there, since the sandbox holds placeholders; a file in the workspace or a mount may
/// hold one all the same.
/// </summary>
internal sealed class LogRedactor(IReadOnlyList<UnlockedGrant> grants) : IDisposable
{
    private readonly RunRedactor _redactor = new(grants);

    /// <summary>Bytes of the longest form, which a cut of a text has to leave for the next piece; 0 when the run has no credential.</summary>
    public int Longest => _redactor.Current is { IsEmpty: false } current ? current.MaxHeld + 1 : 0;

    /// <summary>Masks every form of every credential in place.</summary>
    public void Mask(Span<byte> text) => _redactor.Current.Redact(text);

    public void Dispose() => _redactor.Dispose();
}
