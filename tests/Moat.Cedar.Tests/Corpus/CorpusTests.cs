namespace Moat.Cedar.Tests.Corpus;

public sealed class CorpusTests
{
    [Fact]
    public void Every_answer_of_the_generated_corpus_is_the_same() => Compare(CorpusArchive.Corpus(), 3_000, 24_000);

    [Fact]
    public void Every_answer_of_the_cases_written_by_hand_is_the_same() => Compare(CorpusArchive.Handwritten(), 20, 60);

    [Fact]
    public void Every_policy_of_the_corpus_survives_its_JSON_form()
    {
        foreach (var item in CorpusArchive.Corpus())
        {
            var set = PolicySet.Parse(item.Policies);
            var json = PolicySetJson.Write(set);
            Assert.Equal(json, PolicySetJson.Write(PolicySetJson.Read(json)));
        }
    }

    [Fact]
    public void All_entities_of_the_corpus_survive_their_JSON_form()
    {
        foreach (var item in CorpusArchive.Corpus())
        {
            var entities = EntityJson.Read(item.Entities);
            var again = EntityJson.Read(JsonText.Of(writer => EntityJson.Write(writer, entities)));
            Assert.Equal(entities.Count, again.Count);
            Assert.All(entities.Entities, entity => Assert.True(entity.Says(again.Find(entity.Uid)!)));
        }
    }

    private static void Compare(IEnumerable<CorpusCase> cases, int leastCases, int leastRequests)
    {
        var (caseCount, requestCount) = (0, 0);
        var differences = new List<string>();
        var result = new AuthorizationResult();
        foreach (var item in cases)
        {
            caseCount++;
            var authorizer = new Authorizer(PolicySet.Parse(item.Policies));
            var schema = CedarSchema.Parse(item.Schema);
            var entities = EntityJson.Read(item.Entities, schema);
            foreach (var request in item.Requests)
            {
                requestCount++;
                authorizer.Decide(RequestJson.Read(request.Json, schema), entities, result);
                var reasons = result.Reasons.Select(p => p.Id).Order(StringComparer.Ordinal);
                var errors = result.Errors.Select(e => e.Policy!.Id).Order(StringComparer.Ordinal);
                if (result.Decision != request.Decision || !reasons.SequenceEqual(request.Reasons) || !errors.SequenceEqual(request.Errors))
                {
                    differences.Add($"{item.Name}: {result.Decision} [{string.Join(',', reasons)}] [{string.Join(',', errors)}], not {request.Decision} [{string.Join(',', request.Reasons)}] [{string.Join(',', request.Errors)}]");
                }
            }
        }

        Assert.True(differences.Count == 0, $"{differences.Count} of {requestCount}:\n{string.Join('\n', differences.Take(20))}");
        Assert.True(caseCount >= leastCases && requestCount >= leastRequests, $"only {caseCount} cases and {requestCount} requests were found");
    }
}
