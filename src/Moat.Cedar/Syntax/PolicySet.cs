using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Moat.Cedar;

/// <summary>Policies, templates and the policies linked from them. Immutable; ids are unique across all three.</summary>
public sealed class PolicySet
{
    private readonly ImmutableDictionary<string, Policy> byId;

    private PolicySet(ImmutableDictionary<string, Policy> byId, ImmutableArray<Policy> policies, ImmutableArray<Policy> templates)
    {
        this.byId = byId;
        Policies = policies;
        Templates = templates;
    }

    /// <summary>The set of nothing: it denies all.</summary>
    public static PolicySet Empty { get; } = new(ImmutableDictionary<string, Policy>.Empty, [], []);

    /// <summary>What decides: static policies and linked ones (<see cref="Policy.Link"/>), in the order added.</summary>
    public ImmutableArray<Policy> Policies { get; }

    /// <summary>The templates, in the order added; they decide nothing by themselves.</summary>
    public ImmutableArray<Policy> Templates { get; }

    /// <summary>Reads policies and templates, called <c>policy0</c>, <c>policy1</c> and so on.</summary>
    /// <exception cref="CedarException">The text is not in order; it holds every error of it.</exception>
    public static PolicySet Parse(string text, string? name = null) => Parse(new SourceText(text, name));

    /// <inheritdoc cref="Parse(string, string)"/>
    public static PolicySet Parse(SourceText source) => TryParse(source, out var set, out var diagnostics) ? set : throw new CedarException(diagnostics);

    /// <summary>Reads policies and templates, called <c>policy0</c>, <c>policy1</c> and so on.</summary>
    /// <param name="source">The text.</param>
    /// <param name="set">The policies; null when one of them is not in order.</param>
    /// <param name="diagnostics">Every error of the text, in its order.</param>
    public static bool TryParse(SourceText source, [NotNullWhen(true)] out PolicySet? set, out IReadOnlyList<Diagnostic> diagnostics)
    {
        var found = new List<Diagnostic>();
        var policies = PolicyParser.Read(source, found);
        diagnostics = found;
        set = found.Count == 0 ? Create(policies) : null;
        return set is not null;
    }

    /// <summary>A set of the policies and templates.</summary>
    /// <exception cref="CedarException">An id is given twice.</exception>
    public static PolicySet Create(IEnumerable<Policy> policies)
    {
        ArgumentNullException.ThrowIfNull(policies);
        var byId = ImmutableDictionary.CreateBuilder<string, Policy>();
        var decide = ImmutableArray.CreateBuilder<Policy>();
        var templates = ImmutableArray.CreateBuilder<Policy>();
        foreach (var policy in policies)
        {
            if (!byId.TryAdd(policy.Id, policy)) throw Occupied(policy);
            (policy.IsTemplate ? templates : decide).Add(policy);
        }

        return new PolicySet(byId.ToImmutable(), decide.ToImmutable(), templates.ToImmutable());
    }

    /// <summary>The policy or template of that id, or null.</summary>
    public Policy? Find(string id) => byId.GetValueOrDefault(id);

    /// <summary>This set and one policy or template more.</summary>
    /// <exception cref="CedarException">The id is taken.</exception>
    public PolicySet Add(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (byId.ContainsKey(policy.Id)) throw Occupied(policy);
        return new PolicySet(
            byId.Add(policy.Id, policy),
            policy.IsTemplate ? Policies : Policies.Add(policy),
            policy.IsTemplate ? Templates.Add(policy) : Templates);
    }

    /// <summary>This set and a policy made from one of its templates.</summary>
    /// <exception cref="CedarException">There is no such template, its slots and the link's values differ, or the new id is taken.</exception>
    public PolicySet Link(TemplateLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        return Add(Fill(link));
    }

    /// <summary>
    /// This set with the value of <c>@id</c> for the id of each policy and template that has it, as the command line of Cedar
    /// reads files. Linked policies keep their ids and name their template's new one.
    /// </summary>
    /// <exception cref="CedarException">Two would have one id.</exception>
    public PolicySet WithIdsFromAnnotations()
    {
        var renamed = new Dictionary<string, string>();
        foreach (var policy in Templates.Concat(Policies))
        {
            if (policy.Link is null && policy.Annotation("id") is { } id) renamed[policy.Id] = id;
        }

        if (renamed.Count == 0) return this;
        return Create(Templates.Concat(Policies).Select(policy => policy.Link is { } link
            ? policy with { Link = link with { TemplateId = renamed.GetValueOrDefault(link.TemplateId, link.TemplateId) } }
            : policy with { Id = renamed.GetValueOrDefault(policy.Id, policy.Id) }));
    }

    /// <summary>The policy that a link makes.</summary>
    internal Policy Fill(TemplateLink link) => Find(link.TemplateId) is { IsTemplate: true } template
        ? template.Fill(link)
        : throw new CedarException($"there is no template `{link.TemplateId}` to link");

    private static CedarException Occupied(Policy policy) => new([new Diagnostic(DiagnosticSeverity.Error, $"the id `{policy.Id}` is taken")
    {
        Source = policy.Source,
        Span = policy.Span,
        PolicyId = policy.Id,
        Help = "every policy and template of a set has an id of its own",
    }]);
}
