using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using Moat.Spec;

namespace Moat.Configuration.Tests;

public class FileTests
{
    private const string Seed = """
        name: sample
        grants: [github, mcp:x]
        env: {A: "1", "B": 'x'}
        mounts:
          - ./data:/data:ro
          - {source: ., target: /workspace, exclude: [node_modules]}
        network:
          policy: strict
          rules: ["*.example.org:8443", {"a.example": ["allow GET /x/**"]}]
          resolve: {a.example: "[::1]:1"}
        container: {memory: 64, ulimits: {nofile: {soft: 1, hard: 2}}}
        command: ["sh", "-c", |
          x]
        """;

    [Fact]
    public void The_first_of_both_names_is_taken_and_its_bytes_hashed()
    {
        using var temp = new Temporary();
        Assert.Null(ConfigurationLoader.Load(temp.Workspace));
        Assert.Equal("b", temp.Load("name: b", "agent.yaml").Configuration.Name);
        var file = temp.Load("name: a");
        Assert.Equal("a", file.Configuration.Name);
        Assert.Equal(Path.Combine(temp.Workspace, "moat.yaml"), file.Path);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("name: a"u8)), file.Sha256);
        Assert.Equal(file.Sha256, file.TrustDigest);
        Assert.Equal("a", ConfigurationLoader.Load(file.Path)!.Configuration.Name);
    }

    [Fact]
    public void A_missing_file_a_too_large_one_and_one_that_is_no_text_are_errors()
    {
        using var temp = new Temporary();
        Assert.Contains("no file", Assert.Throws<MoatException>(() => ConfigurationLoader.Load(Path.Combine(temp.Root, "x.yaml"))).Message, StringComparison.Ordinal);
        Assert.Contains("larger", Assert.Throws<MoatException>(() => temp.Load("name: a # " + new string('x', ConfigurationLoader.MaxBytes))).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(temp.Workspace, "moat.yaml"), [0x6e, 0xff, 0xfe]);
        Assert.Contains("UTF-8", Assert.Throws<MoatException>(() => ConfigurationLoader.Load(temp.Workspace)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_or_a_device_in_place_of_the_file_neither_waits_nor_fills_memory()
    {
        using var temp = new Temporary();
        File.CreateSymbolicLink(Path.Combine(temp.Workspace, "moat.yaml"), "/dev/zero");
        Assert.Contains("larger", Assert.Throws<MoatException>(() => ConfigurationLoader.Load(temp.Workspace)).Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(temp.Workspace, "moat.yaml"));
        using (var made = Process.Start("mkfifo", [Path.Combine(temp.Workspace, "moat.yaml")])) made.WaitForExit();
        // Either it reads as empty or it is refused; a hang would end this test by the runner.
        var thrown = Record.Exception(() => ConfigurationLoader.Load(temp.Workspace));
        Assert.True(thrown is null or MoatException);
    }

    [Fact]
    public void Deep_nesting_is_an_error_and_not_a_stack_overflow()
    {
        foreach (var open in (string[])["[", "{a: ", "- "])
        {
            var result = Temporary.Parse("env: \n " + string.Concat(Enumerable.Repeat(open, 100_000)));
            Assert.NotEmpty(result.Errors);
        }
    }

    [Fact]
    public void A_certificate_file_is_read_into_the_spec_and_is_part_of_the_trust()
    {
        using var temp = new Temporary();
        var pem = MakeCertificate();
        var path = temp.Write("work space/ca.pem", "# a comment\n" + pem);
        var file = temp.Load("network: {ca: [./ca.pem]}");
        Assert.Equal(pem.Trim(), Assert.Single(file.CaPem).Trim());
        Assert.NotEqual(file.Sha256, file.TrustDigest);
        Assert.Equal(file.CaPem, temp.Build(new RunRequest(), file).Network.CaPem);

        File.WriteAllText(path, MakeCertificate());
        var changed = ConfigurationLoader.Load(temp.Workspace)!;
        Assert.Equal(file.Sha256, changed.Sha256);
        Assert.NotEqual(file.TrustDigest, changed.TrustDigest);
    }

    [Fact]
    public void What_is_no_certificate_never_gets_into_the_spec()
    {
        using var temp = new Temporary();
        var secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        temp.Write("home/notes", secret);
        var thrown = Assert.Throws<MoatException>(() => temp.Load("network: {ca: [../home/notes]}"));
        Assert.DoesNotContain(secret, thrown.ToString(), StringComparison.Ordinal);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        temp.Write("home/key", MakeCertificate() + key.ExportPkcs8PrivateKeyPem());
        Assert.Contains("private key", Assert.Throws<MoatException>(() => temp.Load("network: {ca: [../home/key]}")).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<MoatException>(() => temp.Load("network: {ca: [nowhere]}")).Message, StringComparison.Ordinal);
        temp.Write("home/both", secret + "\n" + MakeCertificate() + secret);
        Assert.DoesNotContain(secret, temp.Load("network: {ca: [../home/both]}").CaPem[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Any_mutation_parses_or_is_told_with_places_inside_the_file()
    {
        const string Alphabet = " \n\t:-{}[]\"'#&*!|>%@`,?~\\/.0aA\0\u00e9\u202e";
        var edit = Gen.Select(Gen.Int[0, Seed.Length], Gen.Int[0, 6], Gen.Char[Alphabet].Array[0, 6]);
        edit.Array[1, 6].Sample(edits =>
        {
            var text = Seed;
            foreach (var (at, cut, put) in edits)
            {
                var start = Math.Min(at, text.Length);
                text = text[..start] + new string(put) + text[Math.Min(text.Length, start + cut)..];
            }
            var result = Temporary.Parse(text);
            Assert.Equal(result.Configuration is null, !result.Errors.IsEmpty);
            Assert.All(result.Errors, e => Assert.True(e.Line >= 1 && e.Column >= 1 && e.Line <= text.Split('\n').Length + 1));
        }, iter: 5_000);
    }

    [Fact]
    public void Any_bytes_parse_or_are_told()
        => Gen.Byte.Array[0, 200].Sample(bytes => Assert.Equal(ConfigurationLoader.Parse("f", bytes).Configuration is null, !ConfigurationLoader.Parse("f", bytes).Errors.IsEmpty), iter: 5_000);

    [Fact]
    public void Brackets_and_quotes_in_any_order_parse_or_are_told()
        => Gen.OneOf(new[] { "[", "]", "{", "}", ",", ":", " ", "\n", "- ", "? ", "\"", "'", "a", "\\x", "!", "&a ", "*a", "|\n", ">-\n", "%YAML 9\n", "---\n", "..." }.Select(Gen.Const).ToArray()).Array[0, 30].Sample(
            parts => Assert.NotNull(ConfigurationLoader.Parse("f", Encoding.UTF8.GetBytes(string.Concat(parts)))), iter: 20_000);

    internal static string MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem() + "\n";
    }
}
