using Moat.Gateway;

namespace Moat.Runs.Tests;

public class DenialLinesTests
{
    private static Denial Denied(string host, string? path = "/") =>
        new(DateTimeOffset.UnixEpoch, "policy", host, 443, path is null ? null : "GET", path, "default", "no rule", "allow with --allow-host " + host);

    [Fact]
    public void A_denial_is_told_once_with_its_mend()
    {
        var lines = new List<string>();
        var denials = new DenialLines(lines.Add, new StillClock());
        denials.Tell(Denied("evil.example"));
        denials.Tell(Denied("evil.example"));
        Assert.Equal("moat: denied GET https://evil.example/ (default: no rule) - allow with --allow-host evil.example", Assert.Single(lines));
        Assert.Equal(1, denials.Unshown);
    }

    [Fact]
    public void A_flood_of_different_denials_is_held_to_a_few_lines()
    {
        var lines = new List<string>();
        var denials = new DenialLines(lines.Add, new StillClock());
        for (var i = 0; i < 5000; i++) denials.Tell(Denied($"h{i}.example"));
        Assert.Equal(DenialLines.PerSecond, lines.Count);
        Assert.Equal(5000 - DenialLines.PerSecond, denials.Unshown);
    }

    [Fact]
    public void Control_characters_of_the_agent_do_not_reach_the_terminal()
    {
        var line = DenialLines.Line(Denied("evil.example", "/\x1b]0;owned\x07\u202e\r\nmoat: all fine"));
        Assert.DoesNotContain(line, char.IsControl);
        Assert.DoesNotContain('\u202e', line);
    }

    private sealed class StillClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
