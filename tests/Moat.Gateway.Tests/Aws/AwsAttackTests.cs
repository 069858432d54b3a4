using System.Net;
using System.Security.Cryptography;
using System.Text;
using Moat.Gateway.Aws;

namespace Moat.Gateway.Tests;

/// <summary>The ways in which a hostile agent would use the account for more, elsewhere, or get at its keys.</summary>
public sealed class AwsAttackTests
{
    [Fact]
    public async Task What_is_not_signed_gets_no_signature_and_carries_nothing_out()
    {
        await using var scene = await AwsScene.StartAsync();
        var call = scene.Call(AwsScene.Bucket, "s3") with { Target = "/public", Payload = "UNSIGNED-PAYLOAD", Tamper = request => request.Headers.Remove("Authorization") };
        using (var response = await scene.SendAsync(call)) Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        var seen = Assert.Single(scene.Scene.Upstream.Seen);
        Assert.DoesNotContain("Authorization", seen.Headers.Keys);
        Assert.DoesNotContain("X-Amz-Security-Token", seen.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        scene.Scene.Upstream.Seen.Clear();
        await scene.AssertRefusedAsync(call with { Method = HttpMethod.Put, Body = [1] }, "not signed, and more than a GET");
    }

    [Fact]
    public async Task A_placeholder_of_another_run_or_keys_of_somebody_else_are_refused()
    {
        await using var scene = await AwsScene.StartAsync();
        using var other = scene.Unlock();
        Assert.NotEqual(scene.Grant.Env["AWS_ACCESS_KEY_ID"], other.Env["AWS_ACCESS_KEY_ID"]);
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Dynamo, "dynamodb", of: other).Json("DynamoDB_20120810.ListTables"), "a key that is none of this run");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3", of: other) with { Presigned = true }, "a key that is none of this run");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Dynamo, "dynamodb") with { SecretKey = "guessed" }, "its signature is not the placeholder");
        foreach (var value in (string[])["Bearer abc", "AWS AKIAIOSFODNN7EXAMPLE:abc=", "Basic YTpi"])
        {
            await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with
            {
                Tamper = request =>
                {
                    request.Headers.Remove("Authorization");
                    request.Headers.TryAddWithoutValidation("Authorization", value);
                },
            }, "none of this run");
        }
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Target = "/k?AWSAccessKeyId=x&Signature=y&Expires=1", Tamper = request => request.Headers.Remove("Authorization") }, "none of this run");
    }

    [Fact]
    public async Task A_session_token_cannot_be_smuggled_in()
    {
        await using var scene = await AwsScene.StartAsync();
        foreach (var name in (string[])["X-Amz-Security-Token", "x-amz-security-token", "X_Amz_Security_Token", "X-Amz-S3session-Token"])
        {
            await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Headers = new() { [name] = "mine" } }, "session token of its own");
            await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Tamper = request => request.Headers.TryAddWithoutValidation(name, "mine") }, "session token of its own");
            await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Presigned = true, Target = $"/k?{name}=mine" }, "session token of its own");
        }
    }

    [Fact]
    public async Task What_was_signed_cannot_be_changed_added_to_or_doubled()
    {
        await using var scene = await AwsScene.StartAsync();
        var call = scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.ListTables");
        await scene.AssertRefusedAsync(call with { Tamper = request => request.Headers.TryAddWithoutValidation("X-Amz-Target", "DynamoDB_20120810.DeleteTable") }, "not signed anew");
        await scene.AssertRefusedAsync(call with { Tamper = request => request.Content = new StringContent("{\"other\":1}", Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-amz-json-1.0")) }, "its signature is not the placeholder");
        await scene.AssertRefusedAsync(call with { Tamper = request => request.RequestUri = new Uri(request.RequestUri!, "/other") }, "its signature is not the placeholder");
        await scene.AssertRefusedAsync(call with { Tamper = request => request.RequestUri = new Uri(request.RequestUri!, "/?X-Amz-Signature=00&X-Amz-Credential=x") }, "signed twice");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD", Tamper = request => request.Headers.TryAddWithoutValidation("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, "not signed anew");
    }

    [Theory]
    [InlineData(AwsScene.OtherRegion, "dynamodb", "eu-west-1", "the host is in us-east-1")]
    [InlineData(AwsScene.Dynamo, "dynamodb", "us-east-1", "the host is in eu-west-1")]
    [InlineData(AwsScene.Dynamo, "s3", "eu-west-1", "the host is of another")]
    [InlineData(AwsScene.S3, "sts", "eu-west-1", "the host is of another")]
    [InlineData(AwsScene.Iam, "iam", "eu-west-1", "the host is in none")]
    public async Task A_signature_for_another_service_or_region_than_the_hosts_is_refused(string host, string service, string region, string reason)
    {
        await using var scene = await AwsScene.StartAsync();
        await scene.AssertRefusedAsync(scene.Call(host, service, region) with { Payload = "UNSIGNED-PAYLOAD" }, reason);
    }

    [Fact]
    public async Task A_narrowed_grant_signs_for_its_services_regions_and_operations_alone()
    {
        await using var scene = await AwsScene.StartAsync("dynamodb@eu-west-1:List*", "s3 GET /bucket/open/**", "sts:GetCallerIdentity");
        await scene.AssertTakenAsync(scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.ListTables"));
        await scene.AssertTakenAsync(scene.Call(AwsScene.Bucket, "s3") with { Target = "/open/a", Payload = "UNSIGNED-PAYLOAD" });
        await scene.AssertTakenAsync(scene.Call(AwsScene.S3, "s3") with { Target = "/bucket/open/a", Payload = "UNSIGNED-PAYLOAD" });
        await scene.AssertTakenAsync(scene.Call(AwsScene.Sts, "sts").Form("Action=GetCallerIdentity&Version=2011-06-15"));
        scene.Scene.Upstream.Seen.Clear();
        (AwsCall Call, string Reason)[] outside =
        [
            (scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.DeleteTable"), "dynamodb@eu-west-1:DeleteTable is outside"),
            (scene.Call(AwsScene.OtherRegion, "dynamodb", "us-east-1").Json("DynamoDB_20120810.ListTables"), "dynamodb@us-east-1:ListTables is outside"),
            (scene.Call(AwsScene.Ec2, "ec2").Form("Action=DescribeRegions"), "ec2@eu-west-1:DescribeRegions is outside"),
            (scene.Call(AwsScene.Bucket, "s3") with { Target = "/closed", Payload = "UNSIGNED-PAYLOAD" }, "s3@eu-west-1 GET is outside"),
            (scene.Call(AwsScene.Bucket, "s3") with { Target = "/open/../closed", Payload = "UNSIGNED-PAYLOAD" }, "s3@eu-west-1 GET is outside"),
            (scene.Call(AwsScene.Bucket, "s3") with { Target = "/open/%2e%2e/closed", Payload = "UNSIGNED-PAYLOAD" }, "s3@eu-west-1 GET is outside"),
            (scene.Call(AwsScene.Bucket, "s3") with { Target = "/open/a", Method = HttpMethod.Delete, Payload = "UNSIGNED-PAYLOAD" }, "s3@eu-west-1 DELETE is outside"),
            // An operation told in two places, or in none, is no operation.
            (scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.ListTables") with { Target = "/?Action=DeleteTable" }, "is outside"),
            (scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.ListTables") with { ContentType = "text/plain" }, "is outside"),
            (scene.Call(AwsScene.Dynamo, "dynamodb") with { Method = HttpMethod.Post, Body = "{}"u8.ToArray() }, "is outside"),
        ];
        foreach (var (call, reason) in outside) await scene.AssertRefusedAsync(call, reason);
    }

    [Fact]
    public async Task Nothing_that_hands_out_credentials_is_signed()
    {
        await using var scene = await AwsScene.StartAsync();
        AwsCall[] calls =
        [
            scene.Call(AwsScene.Sts, "sts").Form("Action=AssumeRole&Version=2011-06-15&RoleArn=x"),
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetSessionToken"),
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetCallerIdentity&Action=GetSessionToken"),
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetCallerIdentity&action=GetSessionToken"),
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetSessionToken") with { Target = "/?Action=GetCallerIdentity" },
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetSessionToken") with { ContentType = "text/plain", Target = "/?Action=GetCallerIdentity" },
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetSessionToken") with { ContentType = "text/plain" },
            scene.Call(AwsScene.Sts, "sts").Form("Action=GetSessionToken") with { Headers = new() { ["X-Amz-Target"] = "AWSSecurityTokenServiceV20110615.GetCallerIdentity" }, ContentType = "application/x-amz-json-1.1" },
            scene.Call(AwsScene.Sts, "sts") with { Target = "/?Action=GetSessionToken" },
            scene.Call(AwsScene.Sts, "sts") with { Target = "/?Action=GetFederationToken&Name=x", Presigned = true },
            scene.Call(AwsScene.Iam, "iam", "us-east-1").Form("Action=CreateAccessKey"),
            scene.Call(AwsScene.Iam, "iam", "us-east-1").Form("%41ction=CreateAccessKey"),
            scene.Call(AwsScene.Bucket, "s3") with { Target = "/?session", Payload = "UNSIGNED-PAYLOAD" },
        ];
        foreach (var call in calls) await scene.AssertRefusedAsync(call, "may be credentials");
        await scene.AssertTakenAsync(scene.Call(AwsScene.Iam, "iam", "us-east-1").Form("Action=ListUsers&Version=2010-05-08"));
    }

    [Fact]
    public async Task Signatures_of_another_time_or_kind_are_refused()
    {
        await using var scene = await AwsScene.StartAsync();
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD", Time = DateTimeOffset.UtcNow.AddMinutes(-16) }, "more than 15 minutes");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD", Time = DateTimeOffset.UtcNow.AddMinutes(16) }, "more than 15 minutes");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Presigned = true, Time = DateTimeOffset.UtcNow.AddMinutes(-10), Expires = 300 }, "has expired");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Presigned = true, Expires = 604801 }, "not presigned as SigV4 does");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Target = "/k?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Signature=00", Tamper = request => request.Headers.Remove("Authorization") }, "SigV4a");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with
        {
            Tamper = request =>
            {
                request.Headers.Remove("Authorization");
                request.Headers.TryAddWithoutValidation("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x/20260101/s3/aws4_request, SignedHeaders=host, Signature=00");
            },
        }, "SigV4a");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", Method = HttpMethod.Put }, "of a kind");
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "STREAMING-AWS4-HMAC-SHA256-EVENTS", Method = HttpMethod.Put }, "of a kind");
    }

    [Fact]
    public async Task T_44_a_body_above_the_bound_is_a_clear_error_and_goes_nowhere()
    {
        await using var scene = await AwsScene.StartAsync();
        var call = scene.Call(AwsScene.Dynamo, "dynamodb").Json("DynamoDB_20120810.PutItem") with { Body = new byte[AwsBodies.MaxLength + 1] };
        await scene.AssertRefusedAsync(call, "more than 8 MiB", HttpStatusCode.RequestEntityTooLarge);
        await scene.AssertRefusedAsync(call with { Tamper = request => request.Headers.TransferEncodingChunked = true }, "more than 8 MiB", HttpStatusCode.RequestEntityTooLarge);
        await scene.AssertTakenAsync(call with { Body = new byte[AwsBodies.MaxLength] });
    }

    [Theory]
    [InlineData("signature")]
    [InlineData("data")]
    [InlineData("last")]
    [InlineData("size")]
    [InlineData("long")]
    public async Task T_44_chunks_that_are_not_signed_right_are_not_signed_anew(string what)
    {
        await using var scene = await AwsScene.StartAsync();
        var body = RandomNumberGenerator.GetBytes(what == "long" ? AwsChunkStream.MaxChunk + 1 : 200_000);
        using var response = await scene.SendAsync(scene.Call(AwsScene.Bucket, "s3") with
        {
            Method = HttpMethod.Put,
            Target = "/big",
            Body = body,
            Payload = AwsChunks.Signed,
            Chunk = what == "long" ? body.Length : 64 * 1024,
            TamperBody = framed =>
            {
                var signature = framed.AsSpan().IndexOf("chunk-signature="u8) + 16;
                var place = what switch { "signature" => signature, "data" => signature + 64 + 2 + 100, "last" => framed.Length - 10, "size" => 0, _ => -1 };
                if (place >= 0) framed[place] = what == "data" ? (byte)~framed[place] : (byte)(framed[place] == '1' ? '2' : '1');
            },
        });
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("not signed anew", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Taken);
    }

    [Fact]
    public async Task A_revoked_grant_signs_nothing()
    {
        await using var scene = await AwsScene.StartAsync();
        scene.Revoke();
        await scene.AssertRefusedAsync(scene.Call(AwsScene.Bucket, "s3") with { Payload = "UNSIGNED-PAYLOAD" }, "it was revoked");
    }
}
