using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>A policy text, read: its statements in the vocabulary's spelling, and all there is to say about them.</summary>
public sealed class PolicyFile
{
    private PolicyFile(string name, PolicySet policies, ImmutableArray<PolicyNote> notes)
    {
        Name = name;
        Policies = policies;
        Notes = notes;
    }

    /// <summary>The file's name as errors and rules show it.</summary>
    public string Name { get; }

    /// <summary>The statements; those of a text that does not parse are none.</summary>
    public PolicySet Policies { get; }

    /// <summary>In the order of the text.</summary>
    public ImmutableArray<PolicyNote> Notes { get; }

    /// <summary>True when the text parses and every statement fits the vocabulary.</summary>
    public bool IsValid => !Notes.Any(static n => n.Level == PolicyNoteLevel.Error && n.Code != Enforceability.Code);

    /// <summary>Reads a text: syntax, spelling, strict validation, lint, and what this version cannot enforce.</summary>
    /// <param name="name">Shown in places (<c>file.cedar</c>).</param>
    public static PolicyFile Read(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(name);
        if (!PolicySet.TryParse(new SourceText(text, name), out var written, out var diagnostics))
            return new PolicyFile(name, PolicySet.Empty, [.. diagnostics.Select(static d => PolicyNote.Of(d, "syntax"))]);

        var notes = new List<PolicyNote>();
        foreach (var template in written.Templates)
            notes.Add(PolicyNote.At(PolicyNoteLevel.Error, "invalid", template, template.Span, "a template decides nothing by itself, and a policy file has no links", "write the entity in place of the slot"));
        var policies = PolicySet.Create([.. written.Policies.Select(p => new PolicyNormalizer(p, notes).Run())]);
        var validation = new PolicyValidator(PolicyVocabulary.Schema).Validate(policies);
        notes.AddRange(validation.Select(static d => PolicyNote.Of(d, "invalid")));
        if (!notes.Any(static n => n.Level == PolicyNoteLevel.Error))
        {
            notes.AddRange(PolicyLint.Run(policies));
            notes.AddRange(policies.Policies.SelectMany(Enforceability.Check));
        }

        return new PolicyFile(name, policies, [.. notes.OrderBy(static n => n.Line).ThenBy(static n => n.Column)]);
    }

    /// <summary><c>policy0 (file.cedar:3)</c>.</summary>
    internal static string RuleName(Cedar.Policy policy, string name) =>
        policy.Source is null ? policy.Id : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{policy.Id} ({Printable.Text(name)}:{policy.Source.Position(policy.Span.Start).Line})");
}
