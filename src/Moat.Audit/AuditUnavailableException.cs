namespace Moat.Audit;

/// <summary>The log cannot take records any more (disk full, I/O error, sealed, closed). What was about to happen must not happen.</summary>
public sealed class AuditUnavailableException : IOException
{
    public AuditUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
