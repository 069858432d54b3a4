using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Reads the actions of a schema of the Cedar form.</summary>
internal sealed class SchemaActionParser(SchemaCursor cursor, SchemaTypeParser types)
{
    /// <summary>A declaration, the word <c>action</c> being behind.</summary>
    public bool Action(ImmutableArray<Annotation> annotations, SchemaDeclarations declarations)
    {
        if (Names() is not { } names) return false;
        var declaration = new ActionDeclaration("") { Annotations = annotations, AppliesTo = ActionApplication.Nothing };
        if (cursor.TryTakeWord("in"))
        {
            if (Groups() is not { } groups) return false;
            declaration = declaration with { Groups = groups };
        }

        if (cursor.TryTakeWord("appliesTo"))
        {
            if (Application(names[0]) is not { } application) return false;
            declaration = declaration with { AppliesTo = application };
        }

        if (cursor.TryTakeWord("attributes"))
        {
            if (!cursor.Expect(TokenKind.OpenBrace, "`{`") || !cursor.Expect(TokenKind.CloseBrace, "`}`")) return false;
        }

        if (!cursor.TryTake(TokenKind.Semicolon))
        {
            if (cursor.Is(TokenKind.OpenBrace)) cursor.Unexpected("`appliesTo` before it");
            else cursor.Unexpected("`;`");
            return false;
        }

        foreach (var name in names) declarations.Add(declaration with { Name = name.Name, NameSpan = name.Span });
        return true;
    }

    /// <summary>One entity type, or several or none in brackets.</summary>
    public ImmutableArray<SchemaName>? EntityTypes()
    {
        if (!cursor.TryTake(TokenKind.OpenBracket)) return cursor.Path("an entity type") is { } single ? [single] : null;
        var names = ImmutableArray.CreateBuilder<SchemaName>();
        if (cursor.TryTake(TokenKind.CloseBracket)) return [];
        do
        {
            if (cursor.Path("an entity type") is not { } name) return null;
            names.Add(name);
        }
        while (cursor.TryTake(TokenKind.Comma));
        return cursor.Expect(TokenKind.CloseBracket, "`]`") ? names.ToImmutable() : null;
    }

    private List<SchemaName>? Names()
    {
        var names = new List<SchemaName>();
        do
        {
            var span = cursor.Next.Span;
            if (cursor.NameOrString("an action's name") is not { } name) return null;
            names.Add(new SchemaName(name, span));
        }
        while (cursor.TryTake(TokenKind.Comma));
        return names;
    }

    private ImmutableArray<SchemaActionName>? Groups()
    {
        var several = cursor.TryTake(TokenKind.OpenBracket);
        var groups = ImmutableArray.CreateBuilder<SchemaActionName>();
        do
        {
            if (Group() is not { } group) return null;
            groups.Add(group);
        }
        while (several && cursor.TryTake(TokenKind.Comma));
        return !several || cursor.Expect(TokenKind.CloseBracket, "`]`") ? groups.ToImmutable() : null;
    }

    private SchemaActionName? Group()
    {
        var start = cursor.Next.Span;
        if (cursor.Is(TokenKind.String)) return cursor.String("a string") is { } text ? new SchemaActionName(null, text, start) : null;
        if (cursor.Path("an action's name") is not { } path) return null;
        if (cursor.TryTake(TokenKind.DoubleColon))
        {
            return cursor.String("the action's id as a string") is { } id ? new SchemaActionName(path.Name, id, start.To(cursor.Last)) : null;
        }

        if (!path.Name.Contains(':', StringComparison.Ordinal)) return new SchemaActionName(null, path.Name, path.Span);
        cursor.Unexpected("`::` and the action's id as a string");
        return null;
    }

    private ActionApplication? Application(SchemaName action)
    {
        if (!cursor.Expect(TokenKind.OpenBrace, "`{`")) return null;
        ImmutableArray<SchemaName>? principals = null;
        ImmutableArray<SchemaName>? resources = null;
        SchemaType? context = null;
        do
        {
            var span = cursor.Next.Span;
            var repeated = false;
            if (cursor.TryTakeWord("principal"))
            {
                repeated = principals is not null;
                principals = Types(span, "principal");
                if (principals is null) return null;
            }
            else if (cursor.TryTakeWord("resource"))
            {
                repeated = resources is not null;
                resources = Types(span, "resource");
                if (resources is null) return null;
            }
            else if (cursor.TryTakeWord("context"))
            {
                repeated = context is not null;
                context = Context();
                if (context is null) return null;
            }
            else
            {
                cursor.Unexpected("`principal`", "`resource`", "`context`");
                return null;
            }

            if (repeated) cursor.Error(span, $"`{cursor.Text(span)}` is said twice", "say it once");
        }
        while (cursor.TryTake(TokenKind.Comma) && !cursor.Is(TokenKind.CloseBrace));
        if (!cursor.Is(TokenKind.CloseBrace))
        {
            cursor.Unexpected("`,`", "`}`");
            return null;
        }

        cursor.Take();
        if (principals is null) Missing(action, "principal");
        if (resources is null) Missing(action, "resource");
        return new ActionApplication(principals ?? [], resources ?? [], context ?? RecordSchemaType.Empty);
    }

    private void Missing(SchemaName action, string what) =>
        cursor.Error(action.Span, $"the action `{action.Name}` says not which {what}s it applies to", $"add {what}: [..], or leave appliesTo out for an action that applies to nothing");

    private ImmutableArray<SchemaName>? Types(SourceSpan word, string what)
    {
        if (!cursor.Expect(TokenKind.Colon, "`:`") || EntityTypes() is not { } names) return null;
        if (names.IsEmpty) cursor.Error(word.To(cursor.Last), $"the list of {what}s is empty", "leave appliesTo out for an action that applies to nothing");
        return names;
    }

    // A name or a record, not a set.
    private SchemaType? Context()
    {
        if (!cursor.Expect(TokenKind.Colon, "`:`")) return null;
        if (cursor.Is(TokenKind.OpenBrace)) return types.Record();
        return cursor.Path("a record or a common type's name") is { } name ? new NamedSchemaType(name.Name) { Span = name.Span } : null;
    }
}
