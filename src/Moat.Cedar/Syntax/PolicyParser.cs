using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Reads policies and templates: annotations, effect, scope and conditions. After an error it goes on with the next policy.</summary>
internal sealed class PolicyParser
{
    private readonly TokenReader reader;
    private readonly ExpressionParser expressions;
    private readonly ScopeParser scopes;

    private PolicyParser(TokenReader reader)
    {
        this.reader = reader;
        expressions = new ExpressionParser(reader);
        scopes = new ScopeParser(reader, expressions);
    }

    /// <summary>All policies of the text, called <c>policy0</c>, <c>policy1</c> and so on. Those with an error are left out, though counted.</summary>
    public static List<Policy> Read(SourceText source, List<Diagnostic> diagnostics)
    {
        var parser = new PolicyParser(new TokenReader(source, diagnostics));
        var policies = new List<Policy>();
        for (var count = 0; !parser.reader.AtEnd; count++)
        {
            if (parser.ReadPolicy($"policy{count}") is { } policy) policies.Add(policy);
        }

        diagnostics.Sort(static (a, b) => a.Span.Start.CompareTo(b.Span.Start));
        return policies;
    }

    /// <summary>The one expression that the text is.</summary>
    public static Expression? ReadExpression(SourceText source, List<Diagnostic> diagnostics)
    {
        var reader = new TokenReader(source, diagnostics);
        var expression = new ExpressionParser(reader).Parse();
        if (expression is not null && !reader.AtEnd) reader.Unexpected("the end of the text");
        return diagnostics.Count == 0 ? expression : null;
    }

    private Policy? ReadPolicy(string id)
    {
        var errorsBefore = reader.Diagnostics.Count;
        var start = reader.Current.Span.Start;
        var policy = ReadPolicyText(id);
        if (policy is null) Recover(start);
        return reader.Diagnostics.Count == errorsBefore ? policy : null;
    }

    // The next policy begins behind a semicolon, or at a word that begins one when the semicolon was forgotten.
    private void Recover(int start)
    {
        while (!reader.AtEnd && !reader.Accept(TokenKind.Semicolon))
        {
            if (reader.Current.Span.Start > start && StartsPolicy()) return;
            reader.Next();
        }
    }

    private bool StartsPolicy() => reader.Current.Kind == TokenKind.At
        || (reader.Peek().Kind == TokenKind.OpenParenthesis && (reader.IsWord("permit") || reader.IsWord("forbid")));

    private Policy? ReadPolicyText(string id)
    {
        var start = reader.Current.Span;
        if (ReadAnnotations() is not { } annotations || ReadEffect() is not { } effect) return null;
        if (!reader.Expect(TokenKind.OpenParenthesis, "(")) return null;
        if (scopes.Read() is not var (principal, action, resource)) return null;
        if (ReadConditions() is not { } conditions) return null;
        if (!reader.Expect(TokenKind.Semicolon, "when", "unless", ";")) return null;
        return new Policy
        {
            Id = id,
            Effect = effect,
            Principal = principal,
            Action = action,
            Resource = resource,
            Conditions = conditions,
            Annotations = annotations,
            Source = reader.Source,
            Span = start.To(reader.Previous),
        };
    }

    private ImmutableArray<Annotation>? ReadAnnotations()
    {
        var annotations = ImmutableArray.CreateBuilder<Annotation>();
        var names = new HashSet<string>();
        while (reader.Current.Kind == TokenKind.At)
        {
            if (AnnotationParser.Read(reader) is not { } annotation) return null;
            if (!names.Add(annotation.Name)) reader.Error(annotation.Span, $"the annotation `{annotation.Name}` is given twice");
            annotations.Add(annotation);
        }

        return annotations.ToImmutable();
    }

    private Effect? ReadEffect()
    {
        if (reader.AcceptWord("permit")) return Effect.Permit;
        if (reader.AcceptWord("forbid")) return Effect.Forbid;
        if (reader.Current.Kind != TokenKind.Identifier || reader.Peek().Kind != TokenKind.OpenParenthesis)
        {
            reader.Unexpected("permit", "forbid");
            return null;
        }

        reader.Error(reader.Current.Span, $"`{reader.CurrentText}` is no effect", "a policy begins with permit or forbid");
        reader.Next();
        return Effect.Forbid;
    }

    private ImmutableArray<Condition>? ReadConditions()
    {
        var conditions = ImmutableArray.CreateBuilder<Condition>();
        while (reader.Current.Kind == TokenKind.Identifier)
        {
            if (reader.Peek().Kind != TokenKind.OpenBrace)
            {
                reader.Unexpected("when {", "unless {", ";");
                return null;
            }

            var word = reader.Next().Span;
            var isUnless = reader.Source[word] is "unless";
            if (!isUnless && reader.Source[word] is not "when") reader.Error(word, $"`{reader.Source[word]}` begins no condition", "write when or unless");
            reader.Next();
            if (reader.Accept(TokenKind.CloseBrace))
            {
                reader.Error(word.To(reader.Previous), "the condition is empty", "write an expression, or leave the clause out");
                continue;
            }

            if (expressions.Parse() is not { } body || !reader.Expect(TokenKind.CloseBrace, "an operator", "}")) return null;
            conditions.Add(new Condition(isUnless, body, word.To(reader.Previous)));
        }

        return conditions.ToImmutable();
    }
}
