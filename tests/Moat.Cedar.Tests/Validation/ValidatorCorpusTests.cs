using Moat.Cedar.Tests.Corpus;

namespace Moat.Cedar.Tests.Validation;

public sealed class ValidatorCorpusTests
{
    [Fact]
    public void The_validator_accepts_and_refuses_what_the_generated_corpus_says() => Compare(CorpusArchive.Corpus());

    [Fact]
    public void The_validator_accepts_and_refuses_what_the_cases_written_by_hand_say() => Compare(CorpusArchive.Handwritten());

    private static void Compare(IEnumerable<CorpusCase> cases)
    {
        var count = 0;
        var differ = new List<string>();
        Parallel.ForEach(cases, one =>
        {
            Interlocked.Increment(ref count);
            var problems = Validate(one);
            if (problems.Count == 0 == one.ShouldValidate) return;
            lock (differ) differ.Add($"{one.Name}: {(problems.Count == 0 ? "accepted" : string.Join(" | ", problems.Take(3)))}");
        });
        Assert.True(count > 10);
        Assert.True(differ.Count == 0, $"{differ.Count} of {count} differ:\n{string.Join('\n', differ.Take(20))}");
    }

    // Schemas and policies are in order in every case; what is refused is refused by the validator.
    private static List<Diagnostic> Validate(CorpusCase one) =>
        [.. new PolicyValidator(CedarSchema.Parse(one.Schema)).Validate(PolicySet.Parse(one.Policies)).Where(d => d.Severity == DiagnosticSeverity.Error)];
}
