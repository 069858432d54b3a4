using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>A request of which something is not known yet: the principal, the action, the resource, or fields of the context.</summary>
public sealed record PartialRequest
{
    /// <summary>Who asks; null when it is not known.</summary>
    public EntityUid? Principal { get; init; }

    /// <summary>The type of a principal that is not known; null when the type is not known either.</summary>
    public EntityType? PrincipalType { get; init; }

    /// <summary>What is to be done; null when it is not known.</summary>
    public EntityUid? Action { get; init; }

    /// <summary>To what; null when it is not known.</summary>
    public EntityUid? Resource { get; init; }

    /// <summary>The type of a resource that is not known; null when the type is not known either.</summary>
    public EntityType? ResourceType { get; init; }

    /// <summary>The fields of the context that are known; null when nothing of the context is.</summary>
    public CedarRecord? Context { get; init; } = CedarRecord.Empty;

    /// <summary>The fields of the context that may turn out to be there, with whatever value. There will be no others.</summary>
    public ImmutableHashSet<string> UnknownFields { get; init; } = [];

    /// <summary>Whether all of the context is known.</summary>
    internal bool KnowsContext => Context is not null && UnknownFields.IsEmpty;

    internal EntityUid? Entity(Variable variable) => variable switch
    {
        Variable.Principal => Principal,
        Variable.Action => Action,
        _ => Resource,
    };

    /// <summary>The type of the variable as far as it is known.</summary>
    internal EntityType? Type(Variable variable) => Entity(variable)?.Type ?? variable switch
    {
        Variable.Principal => PrincipalType,
        Variable.Resource => ResourceType,
        _ => null,
    };
}
