namespace Moat.Cedar;

/// <summary>Reads the types of a schema of the Cedar form.</summary>
internal sealed class SchemaTypeParser(SchemaCursor cursor)
{
    // Far beyond what a person writes, and little enough for every walk over a type to be a plain recursion.
    internal const int MaxDepth = 100;

    private int depth;

    /// <summary>A name, <c>Set&lt;…&gt;</c> or a record; null, and reported, for something else.</summary>
    public SchemaType? Type()
    {
        if (depth == MaxDepth)
        {
            cursor.Error(cursor.Next.Span, $"types are nested more than {MaxDepth} deep", "give the inner type a name of its own");
            return null;
        }

        depth++;
        var type = TypeInside();
        depth--;
        return type;
    }

    /// <summary>A record in braces, the opening one being next.</summary>
    public RecordSchemaType? Record()
    {
        var start = cursor.Next.Span;
        if (!cursor.Expect(TokenKind.OpenBrace, "`{`")) return null;
        var attributes = new List<SchemaAttribute>();
        while (!cursor.Is(TokenKind.CloseBrace))
        {
            if (Attribute() is not { } attribute) return null;
            Add(attributes, attribute);
            if (!cursor.TryTake(TokenKind.Comma) && !cursor.Is(TokenKind.CloseBrace))
            {
                cursor.Unexpected("`,`", "`}`");
                return null;
            }
        }

        cursor.Take();
        return new RecordSchemaType([.. attributes]) { Span = start.To(cursor.Last) };
    }

    private SchemaType? TypeInside()
    {
        var start = cursor.Next.Span;
        if (cursor.Is(TokenKind.OpenBrace)) return Record();
        if (!cursor.Is(TokenKind.Identifier))
        {
            cursor.Unexpected("a type");
            return null;
        }

        if (cursor.Path("a type") is not { } name) return null;
        if (name.Name != "Set" || !cursor.TryTake(TokenKind.Less)) return new NamedSchemaType(name.Name) { Span = name.Span };
        if (Type() is not { } element || !cursor.Expect(TokenKind.Greater, "`>`")) return null;
        return new SetSchemaType(element) { Span = start.To(cursor.Last) };
    }

    private SchemaAttribute? Attribute()
    {
        if (cursor.Annotations() is not { } annotations) return null;
        var start = cursor.Next.Span;
        if (cursor.NameOrString("an attribute's name", "`}`") is not { } name) return null;
        var optional = cursor.TryTake(TokenKind.QuestionMark);
        if (!cursor.Expect(TokenKind.Colon, "`:`") || Type() is not { } type) return null;
        return new SchemaAttribute(name, type, !optional, annotations, start.To(cursor.Last));
    }

    // Cedar takes the last of two attributes of one name without a word.
    private void Add(List<SchemaAttribute> attributes, SchemaAttribute attribute)
    {
        var earlier = attributes.FindIndex(a => a.Name == attribute.Name);
        if (earlier < 0)
        {
            attributes.Add(attribute);
            return;
        }

        cursor.Warn(attribute.Span, $"the attribute `{attribute.Name}` is given twice; this one counts", "remove one of them");
        attributes[earlier] = attribute;
    }
}
