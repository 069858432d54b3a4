using CsCheck;
using Moat.Cedar.Tests.Corpus;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Formatting;

public sealed class FormatterPropertyTests
{
    [Fact]
    public void Whatever_is_formatted_says_the_same_keeps_its_comments_and_stays_so() => Gen.Select(Gen.Int, Gen.Int[1, 100]).Sample((seed, width) =>
    {
        var generator = new PolicyGenerator(SchemaGenerator.Generate(seed), seed);
        Check(CommentedText.Anywhere(new Dice(seed), $"{generator.Policy()}\n{generator.Policy()}"), width);
    }, iter: 1500);

    [Fact]
    public void Every_policy_of_the_corpus_says_the_same_when_it_is_formatted()
    {
        foreach (var one in CorpusArchive.Corpus()) Check(one.Policies, PolicyFormatter.DefaultWidth);
    }

    [Fact]
    public void Deep_and_long_policies_are_formatted()
    {
        var deep = $"permit(principal, action, resource) when {{ {new string('(', 150)}true{new string(')', 150)} }};";
        var wide = $"permit(principal, action, resource) when {{ {string.Join(" && ", Enumerable.Repeat("principal.a.b.c", 450))} }};";
        Check(deep, 80);
        Check(wide, 80);
    }

    private static void Check(string text, int width)
    {
        var formatted = PolicyFormatter.Format(new SourceText(text), width);
        Assert.Equal(PolicySetJson.Write(PolicySet.Parse(text)), PolicySetJson.Write(PolicySet.Parse(formatted)));
        Assert.Equal(Comments(text), Comments(formatted));
        Assert.Equal(formatted, PolicyFormatter.Format(new SourceText(formatted), width));
        Assert.All(formatted.Split('\n').SkipLast(1), line => Assert.True(line.Length == 0 || !line.EndsWith(' ') || InsideString(formatted), $"«{line}» ends in a blank"));
    }

    // Strings of the corpus hold line feeds and blanks.
    private static bool InsideString(string text) => Lexer.Read(new SourceText(text), []).Exists(t => t.Kind == TokenKind.String && text.AsSpan(t.Span.Start, t.Span.Length).Contains('\n'));

    private static List<string> Comments(string text)
    {
        var source = new SourceText(text);
        var comments = new List<string>();
        var end = 0;
        foreach (var token in Lexer.Read(source, []))
        {
            comments.AddRange(text[end..token.Span.Start].Split('\n', '\r').Where(l => l.Contains("//", StringComparison.Ordinal)).Select(l => l[l.IndexOf("//", StringComparison.Ordinal)..].Trim()));
            end = token.Span.End;
        }

        return comments;
    }
}
