// Requests to AWS signed anew per second on one core, as the gateway does it: the sandbox's signature is checked, a new one
// made. Beside it, the rate at which the AWS CLI's own signer makes one signature (botocore.py, in the same run), and the
// rate of a body in signed chunks.
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Aws;

const int Rounds = 5;
var (placeholder, secret, id) = (Random(20), Random(20), "AKIA" + Random(8));
using var realId = Secret.FromText("ASIA" + Random(8));
using var realSecret = Secret.FromText(secret);
using var session = Secret.FromText(Random(400));
var keys = AwsKeys.Of(new Dictionary<string, Secret> { ["key-id"] = realId, [""] = realSecret, ["session-token"] = session });
var now = DateTimeOffset.UtcNow;
var time = now.UtcDateTime.ToString(SigV4.TimeFormat, CultureInfo.InvariantCulture);
var scope = new AwsCredentialScope(time[..8], "eu-west-1", "s3");
const string Host = "bucket.s3.eu-west-1.amazonaws.com", Target = "/some/long/key?list-type=2&prefix=some%2Fkey";
KeyValuePair<string, string>[] signed = [new("host", Host), new("x-amz-content-sha256", SigV4.EmptyHash), new("x-amz-date", time)];
var authorization = $"{SigV4.Algorithm} Credential={id}/{scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={Theirs()}";

var rates = new List<double>();
for (var round = 0; round < Rounds; round++)
{
    var (count, watch) = (0, Stopwatch.StartNew());
    for (; watch.ElapsedMilliseconds < 1000; count++) Resign();
    rates.Add(count / watch.Elapsed.TotalSeconds);
}

var chunks = new List<double>();
var body = Frame(64L << 20);
for (var round = 0; round < Rounds; round++)
{
    var key = SigV4.DeriveKey(Encoding.ASCII.GetBytes(placeholder), scope);
    using var signing = new AwsSigning(Claim(), keys, AwsChunks.Signed, key, now);
    using (var request = Request()) signing.Sign(request, Host, Target);
    var watch = Stopwatch.StartNew();
    await using var stream = signing.Wrap(new MemoryStream(body), () => false);
    var buffer = new byte[64 * 1024];
    while (await stream.ReadAsync(buffer) > 0)
    {
    }
    chunks.Add(body.Length / watch.Elapsed.TotalSeconds / 1e6);
}

rates.Sort();
chunks.Sort();
using var output = new Utf8JsonWriter(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });
output.WriteStartObject();
output.WriteString("machine", $"{Environment.ProcessorCount} cores, {File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown"}, Linux {Environment.OSVersion.Version}, .NET {Environment.Version}");
output.WriteNumber("requests signed anew per second and core", Math.Round(rates[Rounds / 2]));
output.WriteNumber("MB per second and core of a body in signed chunks of 64 KiB", Math.Round(chunks[Rounds / 2]));
if (args is [var peer]) output.WriteNumber("signatures of botocore per second and core", double.Parse(peer, CultureInfo.InvariantCulture));
output.WriteEndObject();

void Resign()
{
    // What AwsGate does for a request whose body's hash stands in a header.
    var claim = Claim();
    var key = SigV4.DeriveKey(Encoding.ASCII.GetBytes(placeholder), claim.Scope);
    if (!SigV4.AreEqual(Theirs(), claim.Signature) || AwsHost.Problem(Host, claim.Scope) is not null || claim.TimeProblem(DateTimeOffset.UtcNow) is not null) throw new InvalidOperationException("the benchmark's own signature is wrong");
    using var signing = new AwsSigning(claim, keys, SigV4.EmptyHash, key, DateTimeOffset.UtcNow);
    using var request = Request();
    signing.Sign(request, Host, Target);
}

AwsClaim Claim()
{
    var headers = new HeaderDictionary { ["Authorization"] = authorization, ["X-Amz-Date"] = time, ["X-Amz-Content-Sha256"] = SigV4.EmptyHash };
    return AwsClaim.Read(headers, Target, out _)!;
}

string Theirs() => SigV4.Sign(
    SigV4.DeriveKey(Encoding.ASCII.GetBytes(placeholder), scope),
    SigV4.StringToSign(time, scope, CanonicalRequest.Write("GET", "s3", "/some/long/key", CanonicalRequest.Query("list-type=2&prefix=some%2Fkey"), signed, SigV4.EmptyHash)));

static HttpRequestMessage Request()
{
    var request = new HttpRequestMessage(HttpMethod.Get, $"https://{Host}{Target}");
    request.Headers.TryAddWithoutValidation("X-Amz-Content-Sha256", SigV4.EmptyHash);
    request.Headers.TryAddWithoutValidation("User-Agent", "bench");
    return request;
}

byte[] Frame(long length)
{
    var (framed, data) = (new MemoryStream(), RandomNumberGenerator.GetBytes(64 * 1024));
    var chain = new AwsChunks(SigV4.DeriveKey(Encoding.ASCII.GetBytes(placeholder), scope), time, scope, Theirs);
    var hash = SigV4.HashOf(data);
    for (long at = 0; at < length; at += data.Length)
    {
        framed.Write(Encoding.ASCII.GetBytes($"{data.Length:x};chunk-signature={chain.Next(hash)}\r\n"));
        framed.Write(data);
        framed.Write("\r\n"u8);
    }
    framed.Write(Encoding.ASCII.GetBytes($"0;chunk-signature={chain.Next(SigV4.EmptyHash)}\r\n\r\n"));
    return framed.ToArray();
}

static string Random(int bytes) => Convert.ToHexString(RandomNumberGenerator.GetBytes(bytes));
