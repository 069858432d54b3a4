namespace Moat.Cedar.Tests.Syntax;

public sealed class LexerTests
{
    [Fact]
    public void Every_token_has_its_place()
    {
        var source = new SourceText("permit(\n  principal == A::\"x\\\"y\" // why\n);");
        var diagnostics = new List<Diagnostic>();
        var tokens = Lexer.Read(source, diagnostics);
        Assert.Empty(diagnostics);
        Assert.Equal(
            ["permit", "(", "principal", "==", "A", "::", "\"x\\\"y\"", ")", ";", ""],
            tokens.Select(t => source[t.Span].ToString()));
        Assert.Equal(new SourcePosition(2, 16), source.Position(tokens[4].Span.Start));
    }
}
