namespace Moat.Cedar;

/// <summary>Reads <c>@name</c> and <c>@name("value")</c>, in policies and schemas alike.</summary>
internal static class AnnotationParser
{
    /// <summary>The annotation whose <c>@</c> stands here; null when it cannot be read, which is reported.</summary>
    public static Annotation? Read(TokenReader reader)
    {
        var start = reader.Next().Span;
        if (reader.Current.Kind != TokenKind.Identifier)
        {
            reader.Unexpected("an annotation's name");
            return null;
        }

        var name = reader.Source[reader.Next().Span].ToString();
        string? value = null;
        if (reader.Accept(TokenKind.OpenParenthesis))
        {
            if (reader.Current.Kind != TokenKind.String)
            {
                reader.Unexpected("a string");
                return null;
            }

            value = reader.ReadString(reader.Next());
            if (!reader.Expect(TokenKind.CloseParenthesis, ")")) return null;
        }

        return new Annotation(name, value, start.To(reader.Previous));
    }
}
