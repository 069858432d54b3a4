using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Reads a schema of the Cedar form. After an error it goes on at the next declaration, so that one run finds them all.</summary>
internal sealed class SchemaParser
{
    private readonly SchemaCursor cursor;
    private readonly SchemaTypeParser types;
    private readonly SchemaActionParser actions;

    private SchemaParser(SchemaCursor cursor)
    {
        this.cursor = cursor;
        types = new SchemaTypeParser(cursor);
        actions = new SchemaActionParser(cursor, types);
    }

    public static SchemaFragment? Parse(SourceText source, ICollection<Diagnostic> diagnostics)
    {
        var cursor = new SchemaCursor(source, diagnostics);
        var namespaces = new SchemaParser(cursor).Namespaces();
        return cursor.HasFailed ? null : new SchemaFragment { Namespaces = namespaces, Source = source };
    }

    private ImmutableArray<SchemaNamespace> Namespaces()
    {
        var outside = new SchemaDeclarations(cursor, "");
        var namespaces = new List<SchemaNamespace>();
        while (!cursor.AtEnd)
        {
            var start = cursor.Index;
            var annotations = cursor.Annotations();
            if (annotations is not null && cursor.IsWord("namespace"))
            {
                Namespace(annotations.Value, namespaces);
            }
            else if (annotations is null || !Declaration(annotations.Value, outside, "`namespace`"))
            {
                cursor.Recover(start);

                // A closing brace too many; there is nothing outside that it could close.
                if (cursor.Is(TokenKind.CloseBrace)) cursor.Take();
            }
        }

        if (!outside.IsEmpty) namespaces.Add(outside.Build([], default));
        return [.. namespaces];
    }

    private void Namespace(ImmutableArray<Annotation> annotations, List<SchemaNamespace> namespaces)
    {
        var start = cursor.Index;
        cursor.Take();
        if (cursor.Path("the namespace's name") is not { } name || !cursor.Expect(TokenKind.OpenBrace, "`{`"))
        {
            cursor.Recover(start);
            return;
        }

        if (!CedarName.IsName(name.Name)) cursor.Error(name.Span, $"`{CedarName.ReservedNamespace}` is Cedar's own");
        if (namespaces.Exists(n => n.Name == name.Name)) cursor.Error(name.Span, $"the namespace `{name.Name}` is declared twice", "put its declarations into one");
        var inside = new SchemaDeclarations(cursor, name.Name);
        while (!cursor.AtEnd && !cursor.Is(TokenKind.CloseBrace))
        {
            start = cursor.Index;
            if (cursor.Annotations() is not { } declared || !Declaration(declared, inside, "`}`")) cursor.Recover(start);
        }

        cursor.Expect(TokenKind.CloseBrace, "`}`");
        if (cursor.Is(TokenKind.Semicolon))
        {
            cursor.Error(cursor.Take().Span, "no `;` stands after a namespace", "remove it");
        }

        namespaces.Add(inside.Build(annotations, name.Span));
    }

    private bool Declaration(ImmutableArray<Annotation> annotations, SchemaDeclarations declarations, string otherwise)
    {
        if (cursor.TryTakeWord("entity")) return Entity(annotations, declarations);
        if (cursor.TryTakeWord("action")) return actions.Action(annotations, declarations);
        if (cursor.TryTakeWord("type")) return CommonType(annotations, declarations);
        cursor.Unexpected("`entity`", "`action`", "`type`", otherwise);
        return false;
    }

    private bool CommonType(ImmutableArray<Annotation> annotations, SchemaDeclarations declarations)
    {
        var span = cursor.Next.Span;
        if (cursor.Identifier("the type's name") is not { } name) return false;
        if (!cursor.Expect(TokenKind.Assign, "`=`") || types.Type() is not { } type || !cursor.Expect(TokenKind.Semicolon, "`;`")) return false;
        declarations.Add(new CommonTypeDeclaration(name, type) { Annotations = annotations, NameSpan = span });
        return true;
    }

    private bool Entity(ImmutableArray<Annotation> annotations, SchemaDeclarations declarations)
    {
        if (Names() is not { } names) return false;
        var declaration = new EntityTypeDeclaration("") { Annotations = annotations };
        declaration = cursor.TryTakeWord("enum") ? Enumerated(declaration) : Standard(declaration);
        if (declaration is null) return false;
        foreach (var name in names) declarations.Add(declaration with { Name = name.Name, NameSpan = name.Span });
        return true;
    }

    private List<SchemaName>? Names()
    {
        var names = new List<SchemaName>();
        do
        {
            var span = cursor.Next.Span;
            if (cursor.Identifier("an entity type's name") is not { } name) return null;
            names.Add(new SchemaName(name, span));
        }
        while (cursor.TryTake(TokenKind.Comma));
        return names;
    }

    private EntityTypeDeclaration? Enumerated(EntityTypeDeclaration declaration)
    {
        if (!cursor.Expect(TokenKind.OpenBracket, "`[`")) return null;
        var choices = ImmutableArray.CreateBuilder<string>();
        do
        {
            if (cursor.String("an entity's id as a string") is not { } id) return null;
            choices.Add(id);
        }
        while (cursor.TryTake(TokenKind.Comma));
        if (!cursor.Expect(TokenKind.CloseBracket, "`]`") || !cursor.Expect(TokenKind.Semicolon, "`;`")) return null;
        return declaration with { Choices = choices.ToImmutable() };
    }

    private EntityTypeDeclaration? Standard(EntityTypeDeclaration declaration)
    {
        if (cursor.TryTakeWord("in"))
        {
            if (actions.EntityTypes() is not { } parents) return null;
            declaration = declaration with { Parents = parents };
        }

        if (cursor.TryTake(TokenKind.Assign) || cursor.Is(TokenKind.OpenBrace))
        {
            if (types.Record() is not { } shape) return null;
            declaration = declaration with { Shape = shape };
        }

        if (cursor.TryTakeWord("tags"))
        {
            if (types.Type() is not { } tags) return null;
            declaration = declaration with { Tags = tags };
        }

        return cursor.Expect(TokenKind.Semicolon, "`;`") ? declaration : null;
    }
}
