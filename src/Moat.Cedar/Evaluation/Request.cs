namespace Moat.Cedar;

/// <summary>What is asked: may the principal do the action to the resource, in the context?</summary>
public sealed class Request
{
    /// <param name="principal">Who asks.</param>
    /// <param name="action">What is to be done.</param>
    /// <param name="resource">To what.</param>
    /// <param name="context">The circumstances; none when null.</param>
    public Request(EntityUid principal, EntityUid action, EntityUid resource, CedarRecord? context = null)
    {
        ArgumentNullException.ThrowIfNull(principal);
        ArgumentNullException.ThrowIfNull(action);
        ArgumentNullException.ThrowIfNull(resource);
        Principal = principal;
        Action = action;
        Resource = resource;
        Context = context ?? CedarRecord.Empty;
    }

    /// <summary>Who asks.</summary>
    public EntityUid Principal { get; }

    /// <summary>What is to be done.</summary>
    public EntityUid Action { get; }

    /// <summary>To what.</summary>
    public EntityUid Resource { get; }

    /// <summary>The circumstances.</summary>
    public CedarRecord Context { get; }
}
