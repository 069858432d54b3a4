using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Moat.Spec;

namespace Moat.Audit.Tests;

public class CanonicalTests
{
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.String, Gen.String[Gen.Char['\0', '\u00ff'], 0, 12], Gen.String[Gen.Char['\ud700', '\uffff'], 0, 6]);

    [Fact]
    public void A_payload_is_what_a_naive_RFC_8785_writer_writes()
    {
        Gen.Dictionary(Text, Gen.Select(Gen.Int[0, 3], Text, Gen.Long))[0, 8].Sample(members =>
        {
            var wellFormed = members.Select(m => (Key: Replaced(m.Key), m.Value)).DistinctBy(m => m.Key).ToList();
            var payload = AuditPayload.Create();
            var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var (key, (kind, text, number)) in wellFormed)
            {
                (payload, expected[key]) = kind switch
                {
                    0 => (payload.Add(key, text), Quote(text)),
                    1 => (payload.Add(key, number), Int128.Abs(number) < 1L << 53 ? $"{number}" : $"\"{number}\""),
                    2 => (payload.Add(key, (IReadOnlyList<string>)[text, "x"]), $"[{Quote(text)},\"x\"]"),
                    _ => (payload.Add(key, AuditPayload.Create().Add("b", true).Add("a", (string?)null)), "{\"a\":null,\"b\":true}"),
                };
            }
            var output = new ByteBuffer(16);
            payload.Builder.WriteTo(output);
            payload.Builder.Return();
            var wanted = "{" + string.Join(',', expected.Select(m => Quote(m.Key) + ":" + m.Value)) + "}";
            return wanted == Encoding.UTF8.GetString(output.Written);
        }, iter: 3000);
    }

    [Fact]
    public async Task T93_hostile_text_stays_one_line_and_comes_back_as_it_was()
    {
        using var test = new TestLog();
        const string hostile = "a\n{\"seq\":0}\r\u001b[31m\u0000\"\\\u007f\u2028";
        await using (var log = AuditLog.Create(test.Path, test.Options))
        {
            log.Append(hostile, AuditPayload.Create().Add(hostile, hostile).Add("lone", "\ud800"));
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        }
        Assert.Equal(2, test.Lines().Count);
        Assert.DoesNotContain('\u001b', File.ReadAllText(test.Path));
        var record = AuditReader.Read(test.Path).First();
        Assert.Equal((hostile, hostile, "\ufffd"), (record.Type, record.Payload.GetProperty(hostile).GetString(), record.Payload.GetProperty("lone").GetString()));
        Assert.Equal(VerifyStatus.Sealed, test.Verify().Status);
    }

    [Theory]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"b\":1,\"a\":1}")]
    [InlineData("{ \"a\":1}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":-0}")]
    [InlineData("{\"a\":1.0}")]
    [InlineData("{\"a\":1e3}")]
    [InlineData("{\"a\":9007199254740992}")]
    [InlineData("{\"a\":\"\\u0041\"}")]
    [InlineData("{\"a\":\"\\/\"}")]
    [InlineData("{\"a\":\"\\u000a\"}")]
    [InlineData("{\"a\":\"\\u001B\"}")]
    [InlineData("{\"a\":\"\t\"}")]
    [InlineData("{\"a\":tru}")]
    [InlineData("{\"a\":[1,]}")]
    public void A_second_spelling_is_no_record(string payload)
    {
        Assert.False(Scan(payload));
        Assert.True(Scan("{\"a\":\"\\u001b\\n\",\"b\":[1,{\"c\":null}]}"));
    }

    [Fact]
    public void The_tree_head_is_that_of_RFC_6962()
    {
        var tree = new MerkleTree();
        var leaves = new List<byte[]>();
        for (var i = 0; i < 70; i++)
        {
            Assert.Equal(Naive(leaves), tree.Root());
            leaves.Add(SHA256.HashData([0, (byte)i]));
            tree.Add(leaves[^1]);
        }
    }

    [Fact]
    public void A_checkpoint_is_a_C2SP_note_and_the_key_id_is_that_of_the_specification()
    {
        using var key = AuditKey.Generate("moat/audit");
        var note = new AuditCheckpoint("moat/run/1", 3, new byte[32]).Sign(key);
        Assert.StartsWith("moat/run/1\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— moat/audit ", note, StringComparison.Ordinal);
        Assert.Equal(3, AuditCheckpoint.Open(note, key.PublicKey)!.Size);
        Assert.Null(AuditCheckpoint.Open(note.Replace("\n3\n", "\n4\n", StringComparison.Ordinal), key.PublicKey));
        // The example of the signed-note and sumdb documentation.
        var known = AuditPublicKey.Parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        Assert.Equal(0xc74f20a3u, known.Id);
    }

    [Fact]
    public void A_key_is_saved_for_its_owner_alone_and_refused_when_others_may_read_it()
    {
        using var test = new TestLog();
        var path = Path.Combine(test.Folder, "key");
        test.Key.Save(path);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        using (var loaded = AuditKey.Load(path))
            Assert.Equal(test.Key.PublicKeyText, loaded.PublicKeyText);
        Assert.Throws<IOException>(() => test.Key.Save(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("open to others", Assert.Throws<MoatException>(() => AuditKey.Load(path)).Message, StringComparison.Ordinal);
    }

    private static bool Scan(string payload) => LineScanner.Scan(Encoding.UTF8.GetBytes(
        $"{{\"mono\":1,\"payload\":{payload},\"prev\":\"{new string('0', 64)}\",\"seq\":0,\"time\":\"2026-01-02T03:04:05.0000000Z\",\"type\":\"x\"}}")).IsCanonical;

    private static string Replaced(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var c in Replaced(text))
        {
            var at = "\"\\\b\t\n\f\r".IndexOf(c, StringComparison.Ordinal);
            result.Append(at >= 0 ? $"\\{"\"\\btnfr"[at]}" : c < 32 ? $"\\u{(int)c:x4}" : $"{c}");
        }
        return result.Append('"').ToString();
    }

    private static byte[] Naive(List<byte[]> leaves)
    {
        if (leaves.Count == 0)
            return SHA256.HashData([]);
        if (leaves.Count == 1)
            return leaves[0];
        var k = 1;
        while (k * 2 < leaves.Count)
            k *= 2;
        return SHA256.HashData([1, .. Naive(leaves[..k]), .. Naive(leaves[k..])]);
    }
}
