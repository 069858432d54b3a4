// Figures of the redactor on this machine: GB/s through the stream wrapper, for clean and for hostile data, by number of secrets.
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Moat.Gateway.Redaction;

const int Rounds = 5;
const long Total = 2L << 30;

var json = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 2000).Select(i =>
    $$"""{"id":{{i * 7919}},"name":"package-{{i:x}}","url":"https://api.example.org/repos/o/r/contents/{{i}}?ref=main","token_type":"bearer","size":{{i % 977}}},""")));
var random = RandomNumberGenerator.GetBytes(1 << 20);

Console.WriteLine($"{"data",-22}{"secrets",8}{"forms",8}{"GB/s",10}");
foreach (var (secrets, length) in new[] { (0, 40), (1, 8), (1, 40), (5, 40), (20, 100) })
{
    var made = Enumerable.Range(0, secrets).Select(_ => Encoding.ASCII.GetBytes("sk-ant-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", length))).ToArray();
    if (length == 8) made = [.. made.Select(secret => secret[^8..])];
    var forms = made.Sum(secret => SecretSpellings.Of(secret).Count);
    using var redactor = new SecretRedactor(made.Select((secret, i) => ($"grant{i}", secret)));
    var data = new List<(string Name, byte[] Bytes)> { ("clean JSON", json), ("random bytes", random) };
    if (secrets > 0)
    {
        data.Add(("beginnings of a secret", Repeat(made[0][..^1])));
        data.Add(("a secret each 4 KiB", Repeat([.. json[..4000], .. made[0]])));
        data.Add(("nothing but a secret", Repeat(made[0])));
    }
    foreach (var (name, bytes) in data)
    {
        var total = name is "clean JSON" or "random bytes" ? Total : Total / 16;
        var rates = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            await using var stream = new RedactingStream(new Endless(bytes, total), redactor);
            var buffer = new byte[64 * 1024];
            var watch = Stopwatch.StartNew();
            while (await stream.ReadAsync(buffer) > 0)
            {
            }
            rates.Add(total / watch.Elapsed.TotalSeconds / 1e9);
        }
        rates.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-22}{secrets,8}{forms,8}{rates[Rounds / 2],10:0.00}"));
    }
}

static byte[] Repeat(byte[] piece) => [.. Enumerable.Repeat(piece, (1 << 20) / piece.Length).SelectMany(bytes => bytes)];

/// <summary>Gives the same bytes again and again, up to a total: the copy into the caller's buffer stands for the network.</summary>
internal sealed class Endless(byte[] bytes, long total) : MemoryStream
{
    private int _at;
    private long _left = total;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var length = (int)Math.Min(Math.Min(buffer.Length, bytes.Length - _at), _left);
        bytes.AsMemory(_at, length).CopyTo(buffer);
        _at = (_at + length) % bytes.Length;
        _left -= length;
        return ValueTask.FromResult(length);
    }
}
