using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>What is signed with placeholders reaches AWS with a good signature of the real keys, and with nothing else changed.</summary>
public sealed class AwsSigningTests
{
    private static readonly byte[] Big = RandomNumberGenerator.GetBytes(3 * 1024 * 1024 + 17);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_call_in_JSON_is_signed_anew_over_its_body(string version)
    {
        await using var scene = await AwsScene.StartAsync();
        await scene.AssertTakenAsync(scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.ListTables", "{\"Limit\":3}"), Version.Parse(version));
        var taken = Assert.Single(scene.Taken);
        Assert.Equal(("dynamodb", "eu-west-1", "{\"Limit\":3}"), (taken.Service, taken.Region, Encoding.UTF8.GetString(taken.Body)));
        var seen = Assert.Single(scene.Scene.Upstream.Seen);
        Assert.DoesNotContain(scene.Grant.Env["AWS_ACCESS_KEY_ID"], string.Join('\n', seen.Headers.Values), StringComparison.Ordinal);
        Assert.DoesNotContain(seen.Headers.Values, value => value.Contains(scene.SecretKey, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Queries_paths_and_headers_in_odd_spellings_are_read_as_AWS_reads_them()
    {
        await using var scene = await AwsScene.StartAsync();
        foreach (var target in (string[])["/a%20b/%C3%A4?list-type=2&prefix=x%2Fy&delimiter=%2F", "/key//with/./dots/..?acl", "/~a-b_c.d?z=1&a=2&a=1&b"])
            await scene.AssertTakenAsync(scene.Call(AwsScene.Bucket, "s3") with { Target = target, Payload = "UNSIGNED-PAYLOAD", Headers = new() { ["X-Amz-Meta-Note"] = "two  spaces", ["If-None-Match"] = "\"x\"" } });
        Assert.Equal("/key//with/./dots/..?acl", scene.Scene.Upstream.Seen.ElementAt(1).Target);
        await scene.AssertTakenAsync(scene.Call("lambda.eu-west-1.amazonaws.com", "lambda") with { Host = AwsScene.Ec2, Service = "ec2", Target = "/?Action=DescribeRegions&Filter.1.Name=a%2Bb" });
    }

    [Theory]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 64 * 1024)]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 1024 * 1024)]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 7777)]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 64 * 1024)]
    [InlineData("STREAMING-UNSIGNED-PAYLOAD-TRAILER", 64 * 1024)]
    [InlineData("UNSIGNED-PAYLOAD", 1)]
    [InlineData(null, 1)]
    public async Task A_long_body_to_S3_is_signed_anew_as_it_streams(string? payload, int chunk)
    {
        await using var scene = await AwsScene.StartAsync();
        var call = scene.Call(AwsScene.Bucket, "s3") with
        {
            Method = HttpMethod.Put,
            Target = "/big",
            Body = Big,
            Chunk = chunk,
            Payload = payload ?? Convert.ToHexStringLower(SHA256.HashData(Big)),
        };
        if (call.Payload!.StartsWith("STREAMING", StringComparison.Ordinal))
        {
            call.Headers["X-Amz-Decoded-Content-Length"] = $"{Big.Length}";
            if (call.Payload.EndsWith("TRAILER", StringComparison.Ordinal)) call.Headers["X-Amz-Trailer"] = "x-amz-checksum-crc32";
        }
        await scene.AssertTakenAsync(call);
        Assert.Equal(Big, Assert.Single(scene.Taken).Body);
    }

    [Fact]
    public async Task A_presigned_address_is_presigned_anew_and_good_for_a_minute()
    {
        await using var scene = await AwsScene.StartAsync();
        await scene.AssertTakenAsync(scene.Call(AwsScene.Bucket, "s3") with { Presigned = true, Target = "/key?response-content-type=text%2Fplain", Expires = 604800 });
        await scene.AssertTakenAsync(scene.Call(AwsScene.Sts, "sts") with { Presigned = true, Target = "/?Action=GetCallerIdentity&Version=2011-06-15" });
        await scene.AssertTakenAsync(scene.Call(AwsScene.Bucket, "s3") with { Presigned = true, Method = HttpMethod.Put, Target = "/key", Body = Big });
        Assert.Equal(Big, scene.Taken[2].Body);
        Assert.All(scene.Scene.Upstream.Seen, seen => Assert.Contains("X-Amz-Expires=60&", seen.Target, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Parts_of_an_object_can_be_asked_for()
    {
        await using var scene = await AwsScene.StartAsync();
        scene.Answer = async context =>
        {
            Assert.Equal("bytes=2-4", context.Request.Headers.Range.ToString());
            context.Response.StatusCode = 206;
            await context.Response.WriteAsync("cde");
        };
        using var response = await scene.SendAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD", Headers = new() { ["Range"] = "bytes=2-4" } });
        Assert.Equal((HttpStatusCode.PartialContent, "cde"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task A_rotated_session_is_signed_with_and_what_AWS_sends_back_is_masked()
    {
        await using var scene = await AwsScene.StartAsync();
        scene.Answer = async context => await context.Response.WriteAsync($"<Error><AWSAccessKeyId>{scene.KeyId}</AWSAccessKeyId><Token>{context.Request.Headers["X-Amz-Security-Token"]}</Token><Secret>{scene.SecretKey}</Secret>{Convert.ToBase64String(Encoding.ASCII.GetBytes(scene.SessionToken))}</Error>");
        using var response = await scene.SendAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD" });
        var text = await response.Content.ReadAsStringAsync() + response;
        Assert.Contains("[moat:redacted]", text, StringComparison.Ordinal);
        foreach (var secret in (string[])[scene.KeyId, scene.SecretKey, scene.SessionToken, Convert.ToBase64String(Encoding.ASCII.GetBytes(scene.SessionToken))])
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        var log = await scene.Scene.LogTextAsync();
        Assert.DoesNotContain(scene.SessionToken, log, StringComparison.Ordinal);
        Assert.Contains("aws", log, StringComparison.Ordinal);
    }
}
