namespace Moat.Spec;

/// <summary>
/// A failure that a person can mend: what is wrong, and what to do next. The CLI prints both and exits 125 (or
/// <see cref="ExitCode"/>). The text never holds a secret.
/// </summary>
public sealed class MoatException : Exception
{
    public MoatException(string problem, string mend, int exitCode = 125, Exception? inner = null)
        : base(problem, inner)
    {
        Mend = mend;
        ExitCode = exitCode;
    }

    /// <summary>What to do next, as a sentence or a command.</summary>
    public string Mend { get; }

    public int ExitCode { get; }
}
