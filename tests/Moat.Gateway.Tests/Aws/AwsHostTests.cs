using System.Diagnostics;
using Moat.Credentials;
using Moat.Gateway.Aws;

namespace Moat.Gateway.Tests;

/// <summary>Hosts of AWS, against the AWS CLI's own knowledge of where each service answers and what it is signed as.</summary>
public sealed class AwsHostTests
{
    private const string Oracle = """
        import awscli.botocore.session as s
        session = s.get_session()
        resolver = session.get_component("endpoint_resolver")
        for name in session.get_available_services():
            metadata = session.get_service_model(name).metadata
            if metadata.get("signatureVersion") not in ("v4", "s3", "s3v4"): continue
            signing = metadata.get("signingName") or metadata["endpointPrefix"]
            for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"):
                found = resolver.construct_endpoint(metadata["endpointPrefix"], region)
                if not found or not found["hostname"].endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")): continue
                scope = found.get("credentialScope", {})
                print(found["hostname"], scope.get("region", region), signing)
        """;

    [Fact]
    public async Task Every_endpoint_that_the_AWS_CLI_knows_takes_its_own_signature()
    {
        Assert.True(File.Exists("/usr/bin/python3") && File.Exists("/usr/bin/aws"), "install awscli: its endpoints are what this test compares with");
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", Oracle]) { RedirectStandardOutput = true })!;
        var lines = (await python.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 800, $"only {lines.Length} endpoints");
        var wrong = lines.Select(line => line.Split(' ')).Where(words => AwsHost.Problem(words[0], new AwsCredentialScope("20260101", words[1], words[2])) is not null)
            .Select(words => string.Join(' ', words)).ToArray();
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("s3.amazonaws.com", "eu-west-1", "s3", true)]
    [InlineData("bucket.s3.amazonaws.com", "eu-west-1", "s3", true)]
    [InlineData("my.dotted.bucket.s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1", "s3", true)]
    [InlineData("bucket.s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "s3", true)]
    [InlineData("bucket.s3-us-west-2.amazonaws.com", "us-west-2", "s3", true)]
    [InlineData("name-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "eu-west-1", "s3", true)]
    [InlineData("123456789012.s3-control.eu-west-1.amazonaws.com", "eu-west-1", "s3", true)]
    [InlineData("bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "us-east-1", "s3express", true)]
    [InlineData("s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "s3", true)]
    [InlineData("abc123.execute-api.eu-west-1.amazonaws.com", "eu-west-1", "execute-api", true)]
    [InlineData("search-x.eu-west-1.es.amazonaws.com", "eu-west-1", "es", true)]
    [InlineData("abc.eu-west-1.aoss.amazonaws.com", "eu-west-1", "aoss", true)]
    [InlineData("bedrock-runtime.eu-west-1.amazonaws.com", "eu-west-1", "bedrock", true)]
    [InlineData("ec2.eu-west-1.api.aws", "eu-west-1", "ec2", true)]
    [InlineData("dynamodb-fips.us-east-1.amazonaws.com", "us-east-1", "dynamodb", true)]
    [InlineData("bucket.s3.us-east-1.amazonaws.com", "eu-west-1", "s3", false)]
    [InlineData("bucket.s3-us-west-2.amazonaws.com", "eu-west-1", "s3", false)]
    [InlineData("iam.amazonaws.com", "us-east-1", "sts", false)]
    [InlineData("search-x.eu-west-1.es.amazonaws.com", "us-east-1", "es", false)]
    [InlineData("s3.eu-west-1.amazonaws.com.evil.test", "eu-west-1", "s3", false)]
    public void A_host_takes_signatures_of_its_service_and_region_alone(string host, string region, string service, bool fits)
        => Assert.Equal(fits, AwsHost.Problem(host, new AwsCredentialScope("20260101", region, service)) is null);

    [Theory]
    [InlineData("bucket.s3.eu-west-1.amazonaws.com", "bucket")]
    [InlineData("my.bucket.s3.amazonaws.com", "my.bucket")]
    [InlineData("bucket.s3-us-west-2.amazonaws.com", "bucket")]
    [InlineData("s3.bucket.s3.amazonaws.com", "s3.bucket")]
    [InlineData("s3.eu-west-1.amazonaws.com", "")]
    [InlineData("s3.amazonaws.com", "")]
    public void The_bucket_of_a_host(string host, string bucket) => Assert.Equal(bucket, AwsHost.BucketOf(host));
}
