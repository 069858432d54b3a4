using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Moat.Credentials;

namespace Moat.Gateway.Aws;

/// <summary>
/// What a host of AWS says about who answers there: <c>SERVICE.REGION.amazonaws.com</c> and its kin. AWS itself refuses a
/// signature of another service or region; here it is refused before anything leaves.
/// </summary>
internal static partial class AwsHost
{
    private static readonly string[] Suffixes = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"];

    // Where the name before the region is not the one that signatures have.
    private static readonly FrozenDictionary<string, string> SigningNames = new Dictionary<string, string>
    {
        ["appconfigdata"] = "appconfig",
        ["appstream2"] = "appstream",
        ["appsync-api"] = "appsync",
        ["aps-workspaces"] = "aps",
        ["backupstorage"] = "backup-storage",
        ["catalog.marketplace"] = "aws-marketplace",
        ["cloudhsmv2"] = "cloudhsm",
        ["cloudsearchdomain"] = "cloudsearch",
        ["contact-lens"] = "connect",
        ["data-ats.iot"] = "iotdata",
        ["data.iotevents"] = "ioteventsdata",
        ["api.fleethub.iot"] = "iotfleethub",
        ["api.tunneling.iot"] = "IoTSecuredTunneling",
        ["data.jobs.iot"] = "iot-jobs-data",
        ["email"] = "ses",
        ["entitlement.marketplace"] = "aws-marketplace",
        ["forecastquery"] = "forecast",
        ["identity-chime"] = "chime",
        ["iot"] = "execute-api",
        ["media-pipelines-chime"] = "chime",
        ["meetings-chime"] = "chime",
        ["memory-db"] = "memorydb",
        ["messaging-chime"] = "chime",
        ["metering.marketplace"] = "aws-marketplace",
        ["migrationhub-config"] = "mgh",
        ["mobile"] = "AWSMobileHubService",
        ["models-v2-lex"] = "lex",
        ["oidc"] = "awsssooidc",
        ["participant.connect"] = "execute-api",
        ["personalize-events"] = "personalize",
        ["personalize-runtime"] = "personalize",
        ["pinpoint"] = "mobiletargeting",
        ["portal.sso"] = "awsssoportal",
        ["queue"] = "sqs",
        ["runtime-v2-lex"] = "lex",
        ["s3-accesspoint"] = "s3",
        ["s3-control"] = "s3",
        ["servicecatalog-appregistry"] = "servicecatalog",
        ["streaming-logs"] = "logs",
        ["sync-states"] = "states",
        ["transcribestreaming"] = "transcribe",
        ["voice-chime"] = "chime",
    }.ToFrozenDictionary();

    /// <summary>Why a signature for a service and region may not go to a host; null when it may.</summary>
    public static string? Problem(string host, in AwsCredentialScope scope)
    {
        var labels = Labels(host);
        if (labels.Length == 0)
            return $"{host} is no host of AWS";
        var region = RegionOf(labels);
        if (region is not null && region != scope.Region)
            return $"the signature is for the region {scope.Region}, the host is in {region}";
        if (region is null && scope.Service != "s3" && !(scope.Region is "us-east-1" or "us-west-2" or "cn-north-1" or "cn-northwest-1" or "us-gov-west-1" or "us-gov-east-1" or "eusc-de-east-1"))
            return $"the signature is for the region {scope.Region}, the host is in none";
        return Names(labels).Contains(scope.Service) ? null : $"the signature is for the service {scope.Service}, the host is of another";
    }

    /// <summary>The bucket that a virtual-hosted S3 address names; empty for any other.</summary>
    public static string BucketOf(string host)
    {
        var labels = Labels(host);
        for (var i = labels.Length - 1; i > 0; i--)
        {
            if (labels[i] is "s3" || labels[i].StartsWith("s3-", StringComparison.Ordinal))
                return string.Join('.', labels[..i]);
        }
        return "";
    }

    private static string[] Labels(string host)
    {
        foreach (var suffix in Suffixes)
        {
            if (host.EndsWith(suffix, StringComparison.Ordinal))
                return host[..^suffix.Length].Split('.');
        }
        return [];
    }

    // es and aoss put their name behind the region; S3's oldest addresses join the two.
    private static string? RegionOf(string[] labels)
    {
        for (var i = labels.Length - 1; i >= Math.Max(0, labels.Length - 2); i--)
        {
            var label = labels[i].StartsWith("s3-", StringComparison.Ordinal) ? labels[i][3..] : labels[i];
            if (Region().IsMatch(label))
                return label;
        }
        return null;
    }

    private static HashSet<string> Names(string[] labels)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var own = labels.Where(label => label != "dualstack" && !Region().IsMatch(label)).Select(label => label.EndsWith("-fips", StringComparison.Ordinal) ? label[..^5] : label).ToArray();
        for (var i = 0; i < own.Length; i++)
        {
            names.Add(own[i]);
            if (SigningNames.TryGetValue(string.Join('.', own[i..]), out var name))
                names.Add(name);
            if (own[i].StartsWith("bedrock-", StringComparison.Ordinal))
                names.Add("bedrock");
            if (own[i].StartsWith("s3express-", StringComparison.Ordinal))
                names.Add("s3express");
            if (own[i].StartsWith("s3-", StringComparison.Ordinal) && Region().IsMatch(own[i][3..]))
                names.Add("s3");
        }
        return names;
    }

    [GeneratedRegex("^[a-z]{2,4}(-[a-z]+){1,2}-[0-9]{1,2}$", RegexOptions.CultureInvariant)]
    private static partial Regex Region();
}
