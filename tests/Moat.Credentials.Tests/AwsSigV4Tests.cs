using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials.Tests;

/// <summary>The signer against AWS's published examples, and against the AWS CLI's own signer over generated requests.</summary>
public sealed class AwsSigV4Tests
{
    // The examples of the two guides differ in one character of the key.
    private const string ExampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ExampleSecretOfS3 = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    // Debian's awscli brings botocore with it, under a name of its own until awscli is loaded.
    private const string Oracle = """
        import json, random, string, sys
        import awscli.botocore.session
        from botocore import auth, awsrequest, credentials
        from botocore.compat import quote
        seed = int(sys.argv[1]); count = int(sys.argv[2]); r = random.Random(seed)
        alphabet = string.ascii_letters + string.digits + "-._~ +%&=:/@!*'(),;?#[]$\u00e4\u4e2d"
        def text(n, chars=alphabet): return "".join(r.choice(chars) for _ in range(r.randint(0, n)))
        keys = credentials.Credentials("AKIDEXAMPLEEXAMPLEID", "SECRETOFTHEORACLE/+abcdefghijklmnopqrstuv", r.choice([None, "a token/of+a=session"]))
        for i in range(count):
            service = r.choice(["s3", "dynamodb", "sts", "execute-api", "lambda", "es"])
            region = r.choice(["us-east-1", "eu-west-3", "cn-north-1", "us-gov-west-1"])
            path = "/" + "/".join(quote(text(8), safe="-._~") for _ in range(r.randint(0, 5)))
            if service != "s3" and r.random() < .3: path += r.choice(["/", "//", "/./x", "/a/../b", "/.."])
            query = "&".join(quote(text(5) or "k", safe="-._~") + "=" + quote(text(8), safe="-._~") for _ in range(r.randint(0, 4)))
            host = service + "." + region + ".amazonaws.com" + r.choice(["", "", ":8443"])
            method = r.choice(["GET", "PUT", "POST", "DELETE", "HEAD"])
            headers = {"Host": host}
            if r.random() < .6: headers["Content-Type"] = r.choice(["application/x-amz-json-1.0", "text/plain;  charset=utf-8", " spaced   out "])
            for _ in range(r.randint(0, 3)): headers["X-Amz-" + r.choice(["Meta", "Target", "Acl"]) + text(4, string.ascii_lowercase)] = text(12, string.ascii_letters + "  :,=")
            isquery = r.random() < .4
            body = text(40).encode() if method in ("PUT", "POST") and not isquery else b""
            request = awsrequest.AWSRequest(method=method, url="https://" + host + path + ("?" + query if query else ""), headers=headers, data=body)
            cls = {(True, True): auth.S3SigV4QueryAuth, (True, False): auth.SigV4QueryAuth, (False, True): auth.S3SigV4Auth, (False, False): auth.SigV4Auth}[(isquery, service == "s3")]
            if service == "s3": request.context["client_config"] = None
            cls(keys, service, region).add_auth(request)
            print(json.dumps({"method": method, "url": request.url, "service": service, "region": region, "query": isquery,
                              "headers": {k: v for k, v in request.headers.items()}, "body": body.decode("utf-8")}))
        """;

    [Fact]
    public void The_published_key_and_signature_of_a_request_to_IAM()
    {
        var scope = new AwsCredentialScope("20150830", "us-east-1", "iam");
        var key = SigV4.DeriveKey(Encoding.ASCII.GetBytes(ExampleSecret), scope);
        Assert.Equal("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", Convert.ToHexStringLower(key));
        var canonical = CanonicalRequest.Write("GET", "iam", "/", CanonicalRequest.Query("Version=2010-05-08&Action=ListUsers"),
            [new("content-type", "application/x-www-form-urlencoded; charset=utf-8"), new("host", "iam.amazonaws.com"), new("x-amz-date", "20150830T123600Z")], SigV4.EmptyHash);
        Assert.Equal("f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59", SigV4.HashOf(Encoding.UTF8.GetBytes(canonical)));
        Assert.Equal("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", SigV4.Sign(key, SigV4.StringToSign("20150830T123600Z", scope, canonical)));
    }

    [Fact]
    public void The_published_signature_of_a_request_to_S3()
    {
        var scope = new AwsCredentialScope("20130524", "us-east-1", "s3");
        var canonical = CanonicalRequest.Write("GET", "s3", "/test.txt", "",
            [new("host", "examplebucket.s3.amazonaws.com"), new("range", "bytes=0-9"), new("x-amz-content-sha256", SigV4.EmptyHash), new("x-amz-date", "20130524T000000Z")], SigV4.EmptyHash);
        Assert.Equal("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            SigV4.Sign(SigV4.DeriveKey(Encoding.ASCII.GetBytes(ExampleSecretOfS3), scope), SigV4.StringToSign("20130524T000000Z", scope, canonical)));
    }

    [Fact]
    public async Task A_thousand_generated_requests_have_the_signatures_that_the_AWS_CLI_gives_them()
    {
        Assert.True(File.Exists("/usr/bin/python3") && File.Exists("/usr/bin/aws"), "install awscli: its signer is what this test compares with");
        var seed = Random.Shared.Next();
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", Oracle, $"{seed}", "1000"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = python.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var seen = 0;
        while (await python.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            using var document = JsonDocument.Parse(line);
            var (expected, actual) = Sign(document.RootElement);
            Assert.True(expected == actual, $"seed {seed}: {line}");
            seen++;
        }
        Assert.True(seen == 1000, await error);
    }

    /// <summary>The oracle's signature, and ours over the same request.</summary>
    private static (string Expected, string Actual) Sign(JsonElement request)
    {
        var headers = request.GetProperty("headers").EnumerateObject().ToDictionary(header => header.Name.ToLowerInvariant(), header => header.Value.GetString()!);
        var url = request.GetProperty("url").GetString()!["https://".Length..];
        var target = url[url.IndexOf('/', StringComparison.Ordinal)..];
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var (path, query) = mark < 0 ? (target, "") : (target[..mark], target[(mark + 1)..]);
        var service = request.GetProperty("service").GetString()!;
        string time, signed, expected;
        if (request.GetProperty("query").GetBoolean())
        {
            string Of(string name) => query.Split('&').Where(pair => pair.StartsWith(name + "=", StringComparison.Ordinal)).Select(pair => Uri.UnescapeDataString(pair[(name.Length + 1)..])).Last();
            (time, signed, expected) = (Of("X-Amz-Date"), Of("X-Amz-SignedHeaders"), Of("X-Amz-Signature"));
        }
        else
        {
            var authorization = headers["authorization"].Split(", ");
            (time, signed, expected) = (headers["x-amz-date"], authorization[1]["SignedHeaders=".Length..], authorization[2]["Signature=".Length..]);
        }
        var hash = headers.GetValueOrDefault("x-amz-content-sha256") ?? (service == "s3" ? "UNSIGNED-PAYLOAD" : SigV4.HashOf(Encoding.UTF8.GetBytes(request.GetProperty("body").GetString()!)));
        var scope = new AwsCredentialScope(time[..8], request.GetProperty("region").GetString()!, service);
        var canonical = CanonicalRequest.Write(request.GetProperty("method").GetString()!, service, path, CanonicalRequest.Query(query, "X-Amz-Signature"),
            [.. signed.Split(';').Select(name => new KeyValuePair<string, string>(name, headers[name]))], hash);
        return (expected, SigV4.Sign(SigV4.DeriveKey("SECRETOFTHEORACLE/+abcdefghijklmnopqrstuv"u8, scope), SigV4.StringToSign(time, scope, canonical)));
    }
}
