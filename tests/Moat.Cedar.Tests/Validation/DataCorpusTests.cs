using Moat.Cedar.Tests.Corpus;

namespace Moat.Cedar.Tests.Validation;

public sealed class DataCorpusTests
{
    [Fact]
    public void All_data_of_the_generated_corpus_fits_its_schemas() => Check(CorpusArchive.Corpus());

    [Fact]
    public void All_data_of_the_cases_written_by_hand_fits_its_schemas() => Check(CorpusArchive.Handwritten());

    private static void Check(IEnumerable<CorpusCase> cases)
    {
        var requests = 0;
        foreach (var one in cases)
        {
            var schema = CedarSchema.Parse(one.Schema);
            var validator = new DataValidator(schema);
            Assert.Empty(validator.Validate(EntityJson.Read(one.Entities, schema)));
            foreach (var request in one.Requests.Where(r => r.ShouldValidate))
            {
                requests++;
                Assert.Empty(validator.Validate(RequestJson.Read(request.Json, schema)));
            }
        }

        Assert.True(requests > 0);
    }
}
