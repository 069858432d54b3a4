using System.Text;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The AWS CLI of Debian, in a sandbox that has no key, before an AWS that checks each signature.</summary>
public class AwsTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task The_AWS_CLI_works_with_a_roles_session_that_it_never_holds(string user)
    {
        Assert.True(File.Exists("/usr/bin/aws"), "install awscli: this test drives it");
        var authority = new TestAuthority();
        await using var aws = await AwsStandIn.StartAsync(authority);
        using var home = new MoatHome(user);
        await GrantAsync(home, aws, authority);
        home.Write(Path.Combine(home.Workspace, "job.sh"), $$"""
            set -e
            env > environment
            cat ~/.aws/* > files 2>/dev/null || true
            /usr/bin/aws sts get-caller-identity
            /usr/bin/aws dynamodb list-tables
            head -c 20000000 /dev/urandom > big
            head -c 3000 /dev/urandom > small
            /usr/bin/aws s3 cp --no-progress big s3://{{AwsStandIn.Bucket}}/some/big
            /usr/bin/aws s3 cp --no-progress small "s3://{{AwsStandIn.Bucket}}/small one"
            /usr/bin/aws s3 cp --no-progress s3://{{AwsStandIn.Bucket}}/some/big big2
            /usr/bin/aws s3 cp --no-progress "s3://{{AwsStandIn.Bucket}}/small one" small2
            cmp big big2 && cmp small small2 && echo same
            curl -sS --fail -o presigned "$(/usr/bin/aws s3 presign s3://{{AwsStandIn.Bucket}}/some/big)" && cmp big presigned && echo presigned
            rm big big2 presigned
            """);
        var result = await home.ScriptAsync("sh job.sh");
        Assert.True(result.ExitCode == 0, result + "\n" + string.Join('\n', aws.Refused));
        Assert.Contains("\"Account\": \"123456789012\"", result.Out, StringComparison.Ordinal);
        Assert.Contains("second", result.Out, StringComparison.Ordinal);
        Assert.Contains("same\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("presigned\n", result.Out, StringComparison.Ordinal);
        Assert.Empty(aws.Refused);
        Assert.Single(aws.Taken, "sts AssumeRole");
        Assert.Contains("s3 GET part", aws.Taken);
        Assert.Contains("AWS_ACCESS_KEY_ID=AKIA", await File.ReadAllTextAsync(Path.Combine(home.Workspace, "environment"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        AssertNoSecret(aws, "the output", Encoding.UTF8.GetBytes(result.ToString()));
        foreach (var file in home.FilesLeft()) AssertNoSecret(aws, file, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task What_the_grant_is_not_for_is_refused_and_credentials_are_never_handed_in(string user)
    {
        Assert.True(File.Exists("/usr/bin/aws"), "install awscli: this test drives it");
        var authority = new TestAuthority();
        await using var aws = await AwsStandIn.StartAsync(authority);
        using var home = new MoatHome(user);
        await GrantAsync(home, aws, authority, "--scope", $"s3 GET /{AwsStandIn.Bucket}/**", "--scope", "dynamodb@eu-west-1", "--scope", "sts");
        aws.Taken.Clear();
        var result = await home.ScriptAsync($"""
            /usr/bin/aws dynamodb list-tables --region us-east-1 || echo region refused
            /usr/bin/aws s3 rm s3://{AwsStandIn.Bucket}/some/big || echo method refused
            /usr/bin/aws sts assume-role --role-arn {AwsStandIn.Role} --role-session-name x || echo role refused
            AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE /usr/bin/aws dynamodb list-tables || echo key refused
            AWS_SESSION_TOKEN=mine /usr/bin/aws dynamodb list-tables || echo token refused
            /usr/bin/aws dynamodb list-tables
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.All((string[])["region", "method", "role", "key", "token"], what => Assert.Contains(what + " refused", result.Out, StringComparison.Ordinal));
        Assert.Contains("second", result.Out, StringComparison.Ordinal);
        Assert.Equal(["dynamodb DynamoDB_20120810.ListTables"], aws.Taken);
        Assert.Empty(aws.Refused);
        AssertNoSecret(aws, "the output", Encoding.UTF8.GetBytes(result.ToString()));
    }

    private static async Task GrantAsync(MoatHome home, AwsStandIn aws, TestAuthority authority, params string[] more)
    {
        home.Write(Path.Combine(home.Root, "ca.pem"), authority.Pem);
        home.Write(home.ConfigFile, $"""
            name: scene
            grants: [aws]
            network:
              policy: strict
              registries: false
              ca: [{home.Root}/ca.pem]
              resolve:
            {string.Join('\n', AwsStandIn.Hosts.Select(host => $"    {host}: 127.0.0.1:{aws.Https}"))}
            """);
        (home.Env["AWS_ACCESS_KEY_ID"], home.Env["AWS_SECRET_ACCESS_KEY"], home.Env["AWS_ENDPOINT_URL_STS"]) = (aws.UserId, aws.UserSecret, $"http://127.0.0.1:{aws.Http}/");
        var granted = await home.MoatAsync(["grant", "aws", "--role", AwsStandIn.Role, "--region", AwsStandIn.Region, "--session-duration", "1h", .. more]);
        Assert.True(granted.ExitCode == 0, granted + "\n" + string.Join('\n', aws.Refused));
        Assert.Empty(aws.Refused);
        foreach (var name in (string[])["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_STS"]) home.Env.Remove(name);
    }

    private static void AssertNoSecret(AwsStandIn aws, string where, ReadOnlySpan<byte> bytes)
    {
        foreach (var secret in aws.Secrets)
        {
            var raw = Encoding.ASCII.GetBytes(secret);
            foreach (var form in (byte[][])[raw, Encoding.ASCII.GetBytes(Convert.ToBase64String(raw)[..^4]), Encoding.ASCII.GetBytes(Convert.ToHexString(raw)), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(raw)), Encoding.Unicode.GetBytes(secret)])
                Assert.True(bytes.IndexOf(form) < 0, $"a key stands in {where}");
        }
    }
}
