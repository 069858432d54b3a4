using Moat.Audit;

namespace Moat.Runs.Tests;

public class NetworkTraceTests
{
    [Fact]
    public async Task An_intent_and_its_outcome_are_one_entry_and_an_open_one_says_so()
    {
        using var scratch = new Scratch();
        using var run = scratch.Store.Create(Scratch.Spec());
        using var key = AuditKey.Generate();
        await using (var audit = AuditLog.Create(run.Folder.AuditPath, new AuditOptions { Origin = "moat/test", Key = key }))
        {
            var first = audit.Append(AuditTypes.RequestIntent, Request("one.example").Add("grant", "demo"));
            audit.Append(AuditTypes.RequestIntent, Request("two.example"));
            audit.Append(AuditTypes.RequestDenied, Request("three.example").Add("reason", "no rule"));
            audit.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", "four.example").Add("outcome", "nxdomain").Add("type", "A"));
            audit.Append(AuditTypes.RequestOutcome, AuditPayload.Create().Add("intent", first).Add("status", 200).Add("bytes_in", 7));
        }

        var entries = NetworkTrace.Read(run.Folder);
        Assert.Equal(["one.example", "two.example", "three.example", "four.example"], entries.Select(entry => entry.Host));
        Assert.Equal([true, true, false, false], entries.Select(entry => entry.Allowed));
        Assert.Equal([true, false, true, true], entries.Select(entry => entry.Complete));
        Assert.Equal((200, 7L, "demo"), (entries[0].Status, entries[0].BytesIn, entries[0].Grant));
    }

    private static AuditPayload Request(string host) => AuditPayload.Create().Add("host", host).Add("method", "GET").Add("path", "/").Add("port", 443);
}
