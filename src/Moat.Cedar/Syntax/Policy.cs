using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>What a policy does when it applies.</summary>
public enum Effect
{
    /// <summary>Allows, unless another forbids.</summary>
    Permit,

    /// <summary>Denies, whatever permits.</summary>
    Forbid,
}

/// <summary>One policy, or a template when its scope holds a slot.</summary>
public sealed record Policy
{
    /// <summary>Its id: unique in a <see cref="PolicySet"/>.</summary>
    public required string Id { get; init; }

    /// <summary>Permit or forbid.</summary>
    public required Effect Effect { get; init; }

    /// <summary>The scope's part about the principal; never <see cref="InSetScope"/>.</summary>
    public ScopeConstraint Principal { get; init; } = AnyScope.Instance;

    /// <summary>The scope's part about the action; never with a type or a slot.</summary>
    public ScopeConstraint Action { get; init; } = AnyScope.Instance;

    /// <summary>The scope's part about the resource; never <see cref="InSetScope"/>.</summary>
    public ScopeConstraint Resource { get; init; } = AnyScope.Instance;

    /// <summary>The <c>when</c> and <c>unless</c> clauses in the order written.</summary>
    public ImmutableArray<Condition> Conditions { get; init; } = [];

    /// <summary>The annotations in the order written, each name once.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    /// <summary>The text it was read from, or null.</summary>
    public SourceText? Source { get; init; }

    /// <summary>Where it stands in <see cref="Source"/>, annotations and the final <c>;</c> included.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>For a policy that was linked from a template: how. Null for one that was written.</summary>
    public TemplateLink? Link { get; init; }

    /// <summary>Whether the scope holds a slot, so that it decides nothing before it is linked.</summary>
    public bool IsTemplate => Principal.Slot is not null || Resource.Slot is not null;

    /// <summary>The value of an annotation; empty for one written without a value, null for none of that name.</summary>
    public string? Annotation(string name)
    {
        foreach (var annotation in Annotations)
        {
            if (annotation.Name == name) return annotation.Value ?? "";
        }

        return null;
    }

    /// <summary>The policy that this template becomes with its slots filled.</summary>
    /// <exception cref="CedarException">The template's slots and the link's values differ.</exception>
    internal Policy Fill(TemplateLink link)
    {
        if (link.Principal is null != Principal.Slot is null) throw Misfit("?principal", link.Principal is null);
        if (link.Resource is null != Resource.Slot is null) throw Misfit("?resource", link.Resource is null);
        return this with
        {
            Id = link.PolicyId,
            Principal = Principal.Fill(link.Principal),
            Resource = Resource.Fill(link.Resource),
            Link = link,
        };
    }

    private CedarException Misfit(string slot, bool lacks) =>
        new(lacks ? $"the template `{Id}` needs a value for {slot}" : $"the template `{Id}` has no slot {slot}");
}

/// <summary><c>@name("value")</c> or <c>@name</c>: a note that decides nothing.</summary>
/// <param name="Name">An identifier; reserved words are fine.</param>
/// <param name="Value">Null without parentheses.</param>
/// <param name="Span">Where it stands.</param>
public sealed record Annotation(string Name, string? Value, SourceSpan Span);

/// <summary>A <c>when</c> or <c>unless</c> clause.</summary>
/// <param name="IsUnless">Whether the body must be false.</param>
/// <param name="Body">What is in the braces.</param>
/// <param name="Span">From the word to the closing brace.</param>
public sealed record Condition(bool IsUnless, Expression Body, SourceSpan Span);

/// <summary>How a template became a policy.</summary>
/// <param name="PolicyId">The new policy's id.</param>
/// <param name="TemplateId">The template's id.</param>
/// <param name="Principal">What fills <c>?principal</c>; null when the template has no such slot.</param>
/// <param name="Resource">What fills <c>?resource</c>; null when the template has no such slot.</param>
public sealed record TemplateLink(string PolicyId, string TemplateId, EntityUid? Principal, EntityUid? Resource);
