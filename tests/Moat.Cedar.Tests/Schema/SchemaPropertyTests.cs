using CsCheck;
using Moat.Cedar.Tests.Corpus;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Schema;

public sealed class SchemaPropertyTests
{
    [Fact]
    public void A_generated_schema_is_in_order_and_stays_the_same_through_both_forms() => Gen.Int.Sample(seed =>
    {
        var text = SchemaGenerator.Generate(seed).Text;
        Assert.NotNull(CedarSchema.Parse(text));
        StaysTheSame(Read(text));
    }, iter: 500);

    [Fact]
    public void Every_schema_of_the_corpus_stays_the_same_through_both_forms()
    {
        foreach (var one in CorpusArchive.Corpus()) StaysTheSame(Read(one.Schema));
    }

    [Fact]
    public void A_spoiled_schema_is_read_or_refused_with_a_place_and_never_throws() => Gen.Int.Sample(seed =>
    {
        var source = new SourceText(SchemaGenerator.Generate(seed, mistakes: true).Text);
        var read = CedarSchema.TryParse(source, out _, out var diagnostics);
        Assert.Equal(!read, diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error));
        Assert.All(diagnostics, d =>
        {
            Assert.Same(source, d.Source);
            Assert.InRange(d.Span.End, d.Span.Start, source.Text.Length);
        });
    }, iter: 1000);

    [Fact]
    public void Any_text_is_read_or_refused_and_never_throws()
    {
        var word = Pick("entity", "action", "type", "namespace", "in", "appliesTo", "principal", "resource", "context", "tags", "enum", "Set", "<", ">", "{", "}", "[", "]",
            "(", ")", ",", ";", ":", "::", "=", "?", "@", "A", "B", "\"x\"", "\"\\q\"", "__cedar", "if", "//c\n", "\"", "\u0000", "\ud800", "attributes", "Long");
        word.List[0, 60].Sample(words =>
        {
            var read = CedarSchema.TryParse(new SourceText(string.Join(' ', words)), out _, out var diagnostics);
            Assert.Equal(!read, diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error));
        }, iter: 5000);
    }

    [Fact]
    public void Any_JSON_is_read_or_refused_and_never_throws()
    {
        var leaf = Pick("1", "null", "true", "\"A\"", "\"Record\"", "\"Set\"", "\"Long\"", "\"Entity\"", "\"\\ud800\"", "[]", "{}");
        var name = Pick("", "A", "commonTypes", "entityTypes", "actions", "annotations", "shape", "type", "attributes", "element", "name", "memberOfTypes", "memberOf",
            "appliesTo", "principalTypes", "resourceTypes", "context", "enum", "tags", "id", "required", "additionalAttributes", "\\udc00");
        var json = Gen.Recursive<string>((depth, self) => depth > 6 ? leaf : Gen.Frequency(
            (1, leaf),
            (1, self.List[0, 3].Select(items => $"[{string.Join(',', items)}]")),
            (4, Gen.Select(name, self).List[0, 5].Select(members => $"{{{string.Join(',', members.Select(m => $"\"{m.Item1}\":{m.Item2}"))}}}"))));
        json.Sample(text =>
        {
            var read = CedarSchema.TryParseJson(text, out _, out var diagnostics);
            Assert.Equal(!read, diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error));
        }, iter: 5000);
    }

    private static Gen<string> Pick(params string[] of) => Gen.Int[0, of.Length - 1].Select(i => of[i]);

    private static void StaysTheSame(SchemaFragment fragment)
    {
        var json = fragment.ToJson();
        Assert.True(SchemaFragment.TryParseJson(json, out var fromJson, out _));
        Assert.Equal(json, fromJson.ToJson());

        var cedar = fragment.ToCedar();
        Assert.Equal(json, Read(cedar).ToJson());
        Assert.Equal(cedar, Read(cedar).ToCedar());
    }

    private static SchemaFragment Read(string text) =>
        SchemaFragment.TryParse(new SourceText(text), out var fragment, out var diagnostics) ? fragment : throw new CedarException(diagnostics);
}
