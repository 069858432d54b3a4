using System.Security.Cryptography;
using System.Text;

namespace Moat.Audit.Tests;

/// <summary>A folder with one log in it.</summary>
internal sealed class TestLog : IDisposable
{
    public const string Origin = "moat/run/test";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("moat-audit-");

    public AuditKey Key { get; } = AuditKey.Generate();

    public string Path => System.IO.Path.Combine(_folder.FullName, "audit");

    public string Folder => _folder.FullName;

    public string WitnessPath => System.IO.Path.Combine(_folder.FullName, "elsewhere");

    public AuditOptions Options => new() { Origin = Origin, Key = Key, WitnessPath = WitnessPath };

    /// <summary>A log of so many records, sealed or just closed.</summary>
    public async Task<TestLog> WriteAsync(int records, bool seal = true, AuditOptions? options = null)
    {
        await using var log = AuditLog.Create(Path, options ?? Options);
        for (var i = 0; i < (seal ? records - 1 : records); i++)
            log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", $"host{i}.example").Add("n", i));
        if (seal)
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        return this;
    }

    public VerifyReport Verify(string? witness = null) => AuditVerifier.Verify(Path, Key.PublicKey, witness);

    public List<string> Lines() => [.. Encoding.UTF8.GetString(File.ReadAllBytes(Path)).Split('\n')[..^1]];

    public void Replace(IEnumerable<string> lines) => File.WriteAllText(Path, string.Concat(lines.Select(l => l + "\n")));

    /// <summary>What a forger without the key does: computes numbers and hashes anew.</summary>
    public static List<string> Rechain(IEnumerable<string> lines)
    {
        var result = new List<string>();
        var prev = new string('0', 64);
        foreach (var line in lines)
        {
            var start = line.IndexOf(",\"prev\":\"", StringComparison.Ordinal);
            var time = line.IndexOf(",\"time\":\"", StringComparison.Ordinal);
            var next = $"{line[..start]},\"prev\":\"{prev}\",\"seq\":{result.Count}{line[time..]}";
            prev = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(next)));
            result.Add(next);
        }
        return result;
    }

    public void Dispose()
    {
        Key.Dispose();
        _folder.Delete(recursive: true);
    }
}
