using CsCheck;
using Moat.Cedar.Tests.Corpus;
using Moat.Cedar.Tests.Generators;

namespace Moat.Cedar.Tests.Validation;

public sealed class ValidatorPropertyTests
{
    // What types cannot rule out.
    private static readonly EvaluationErrorKind[] Possible = [EvaluationErrorKind.Overflow, EvaluationErrorKind.NoSuchEntity];

    [Fact]
    public void A_policy_that_is_accepted_does_not_fail_for_a_type_in_any_request_that_fits()
    {
        var (accepted, evaluated, failed) = (0, 0, 0);
        Gen.Int.Sample(seed =>
        {
            var shape = SchemaGenerator.Generate(seed);
            var schema = CedarSchema.Parse(shape.Text);
            var policies = new PolicyGenerator(shape, seed);
            var data = new DataGenerator(shape, new Dice(seed));
            var entities = data.Entities();
            var withActions = entities.Add(schema.ActionEntities());
            Assert.Empty(new DataValidator(schema).Validate(withActions));
            for (var i = 0; i < 10; i++)
            {
                var text = policies.Policy();
                var policy = PolicySet.Parse(text);
                var permissive = new PolicyValidator(schema, ValidationMode.Permissive).Validate(policy).All(d => d.Severity == DiagnosticSeverity.Warning);
                var strict = new PolicyValidator(schema).Validate(policy).All(d => d.Severity == DiagnosticSeverity.Warning);
                Assert.True(permissive || !strict, $"strict mode alone accepts {text} for {shape.Text}");
                if (!permissive || policy.Templates.Length > 0) continue;
                Interlocked.Increment(ref accepted);
                for (var j = 0; j < 5 && data.Request() is { } request; j++)
                {
                    Assert.Empty(new DataValidator(schema).Validate(request));
                    var result = new Authorizer(policy).Decide(request, withActions);
                    Interlocked.Increment(ref evaluated);
                    if (result.Errors.Count > 0) Interlocked.Increment(ref failed);
                    Assert.All(result.Errors, e => Assert.True(
                        Possible.Contains(e.Kind) || (!strict && e.Kind == EvaluationErrorKind.UnreadableText),
                        $"{e.Message}\n{text}\n{shape.Text}"));
                }
            }
        }, iter: 1000);
        Assert.True(accepted > 1000 && evaluated > 3000 && failed > 10, $"{accepted} accepted, {evaluated} evaluated, {failed} failed");
    }

    [Fact]
    public void No_accepted_policy_of_the_corpus_fails_for_a_type()
    {
        foreach (var one in CorpusArchive.Corpus().Where(c => c.ShouldValidate))
        {
            var schema = CedarSchema.Parse(one.Schema);
            var authorizer = new Authorizer(PolicySet.Parse(one.Policies));
            var entities = EntityJson.Read(one.Entities, schema);
            foreach (var request in one.Requests)
            {
                var result = authorizer.Decide(RequestJson.Read(request.Json, schema), entities);
                Assert.All(result.Errors, e => Assert.Contains(e.Kind, Possible));
            }
        }
    }

    [Fact]
    public void What_strict_mode_accepts_permissive_mode_accepts_too()
    {
        foreach (var one in CorpusArchive.Corpus().Where(c => c.ShouldValidate))
        {
            var schema = CedarSchema.Parse(one.Schema);
            Assert.DoesNotContain(new PolicyValidator(schema, ValidationMode.Permissive).Validate(PolicySet.Parse(one.Policies)), d => d.Severity == DiagnosticSeverity.Error);
        }
    }

    [Fact]
    public void Every_diagnostic_lies_within_its_policy() => Gen.Int.Sample(seed =>
    {
        var shape = SchemaGenerator.Generate(seed);
        var policy = PolicySet.Parse(new PolicyGenerator(shape, seed).Policy());
        foreach (var diagnostic in new PolicyValidator(CedarSchema.Parse(shape.Text)).Validate(policy))
        {
            Assert.NotNull(diagnostic.Source);
            Assert.InRange(diagnostic.Span.Start, 0, diagnostic.Source.Text.Length - 1);
            Assert.InRange(diagnostic.Span.End, diagnostic.Span.Start + 1, diagnostic.Source.Text.Length);
        }
    }, iter: 500);

    [Theory]
    [InlineData("true", " && true")]
    [InlineData("1", " + 1", " == 1")]
    [InlineData("principal", ".manager", " == principal")]
    [InlineData("principal has manager", ".manager", "")]
    public void A_long_chain_is_checked_without_a_stack_overflow(string start, string link, string end = "")
    {
        foreach (var length in new[] { 900, 5_000 })
        {
            var text = $"permit(principal is User, action, resource) when {{ {start}{string.Concat(Enumerable.Repeat(link, length))}{end} }};";
            if (PolicySet.TryParse(new SourceText(text), out var set, out _)) Assert.NotNull(new PolicyValidator(PhotoSchema.Schema).Validate(set));
        }
    }

    [Fact]
    public void Many_conditions_are_checked_without_a_stack_overflow()
    {
        var text = $"permit(principal is User, action, resource) {string.Concat(Enumerable.Repeat("when { principal.name == \"x\" } ", 20_000))};";
        Assert.NotNull(new PolicyValidator(PhotoSchema.Schema).Validate(PolicySet.Parse(text)));
    }
}
