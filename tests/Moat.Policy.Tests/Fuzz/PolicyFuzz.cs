using System.Text;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>The fuzzing target: bytes that claim to be a host, an address, a path or a rule. SharpFuzz calls it as it is.</summary>
internal static class PolicyFuzz
{
    private static readonly NetworkPolicy Scoped = Policies.Compile(NetworkMode.Permissive, Policies.Rule("a.example", "deny * /admin/**", "allow GET /x/**"), Policies.Rule("*.example"));

    /// <summary>Must return, whatever the bytes are; what it returns must hold.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        var text = Encoding.Latin1.GetString(data);
        Host(text);
        Host(Encoding.UTF8.GetString(data));
        Path(text);
        try
        {
            _ = Policies.Compile(NetworkMode.Strict, new HostRuleSpec(text, null, [new RequestRuleSpec(true, "GET", text)], text));
        }
        catch (MoatException e)
        {
            // The documented answer to a rule that is none.
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
    }

    private static void Host(string text)
    {
        if (!CanonicalHost.TryParse(text, out var host, out var error))
        {
            Assert.NotEmpty(error);
            return;
        }

        Assert.True(host.Value.Length is > 0 and <= 253);
        Assert.DoesNotContain(host.Value, c => c is < '-' or > 'z' or '/' || char.IsAsciiLetterUpper(c));
        Assert.True(CanonicalHost.TryParse(host.Value, out var again, out _) && again == host);
        if (host.Address is not null) _ = AddressGuard.Classify(host.Address);
        var decision = Scoped.DecideHost(host, 443);
        Assert.DoesNotContain(decision.Rule + decision.Reason + decision.HowToAllow, char.IsControl);
    }

    private static void Path(string text)
    {
        var decision = Scoped.DecideRequest(Policies.Host("a.example"), 443, "GET", text);
        Assert.DoesNotContain(decision.Rule + decision.Reason + decision.HowToAllow, char.IsControl);
        if (!RequestPath.TryCanonicalize(text, new char[text.Length], out var path, out var reason))
        {
            Assert.False(decision.Allowed);
            Assert.NotEmpty(reason);
            return;
        }

        // What every lenient server would make of it is still not /admin when it was allowed.
        if (!decision.Allowed) return;
        var lenient = Uri.UnescapeDataString(path.ToString()).Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain("..", lenient);
        Assert.False(lenient.Length > 0 && lenient[0].TrimEnd('.', ' ').Equals("admin", StringComparison.OrdinalIgnoreCase), text);
    }
}

public class PolicyFuzzTests
{
    [Fact]
    public void Mutated_seeds_neither_crash_nor_slip_through()
    {
        var seeds = File.ReadAllLines(System.IO.Path.Combine(AppContext.BaseDirectory, "Fuzz", "corpus", "seeds.txt")).Select(Encoding.UTF8.GetBytes).ToArray();
        Assert.True(seeds.Length > 20);
        var random = new Random(1);
        byte[][] tokens = [.. new[] { "%2e", "%2f", "%25", "..", "//", ";", "\\", "@", ".", ":", "[", "]", "%", "\0", "*", "**/", "0x", "0", "255", "::ffff:", "xn--", "．", "é", "?", "#", "admin", "%61" }.Select(Encoding.UTF8.GetBytes)];
        foreach (var seed in seeds) PolicyFuzz.Run(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var data = seeds[i % seeds.Length].ToList();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                var at = random.Next(data.Count + 1);
                switch (random.Next(4))
                {
                    case 0 when at < data.Count: data[at] = (byte)random.Next(256); break;
                    case 1: data.RemoveRange(at, Math.Min(random.Next(6), data.Count - at)); break;
                    case 2: data.InsertRange(at, tokens[random.Next(tokens.Length)]); break;
                    default: data.InsertRange(at, data.Take(random.Next(40)).ToList()); break;
                }
            }

            PolicyFuzz.Run([.. data]);
        }
    }
}
