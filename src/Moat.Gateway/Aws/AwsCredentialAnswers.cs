using System.Collections.Frozen;

namespace Moat.Gateway.Aws;

/// <summary>
/// Operations whose answers are credentials that work without the gateway: the sandbox would then hold them. They are
/// refused whatever the grant allows. Of the services that have such operations, one that cannot be told is refused too.
/// </summary>
internal static class AwsCredentialAnswers
{
    // STS is there to hand out credentials; these are what it does beside that.
    private static readonly FrozenSet<string> HarmlessOfSts = FrozenSet.Create(StringComparer.Ordinal, "GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage");

    private static readonly FrozenDictionary<string, string[]> Operations = new Dictionary<string, string[]>
    {
        ["cognito-identity"] = ["GetCredentialsForIdentity", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity"],
        ["ecr"] = ["GetAuthorizationToken"],
        ["ecr-public"] = ["GetAuthorizationToken"],
        ["elasticmapreduce"] = ["GetClusterSessionCredentials"],
        ["iam"] = ["CreateAccessKey", "CreateServiceSpecificCredential", "ResetServiceSpecificCredential"],
        ["lightsail"] = ["CreateBucketAccessKey", "CreateContainerServiceRegistryLogin", "CreateKeyPair", "DownloadDefaultKeyPair", "GetInstanceAccessDetails", "GetRelationalDatabaseMasterUserPassword"],
        ["redshift"] = ["GetClusterCredentials", "GetClusterCredentialsWithIAM"],
        ["redshift-serverless"] = ["GetCredentials"],
    }.ToFrozenDictionary();

    // Services without operations: a piece of the path, in lower case.
    private static readonly FrozenDictionary<string, string[]> Paths = new Dictionary<string, string[]>
    {
        ["airflow"] = ["/clitoken/", "/webtoken/"],
        ["codeartifact"] = ["/v1/authorization-token"],
        ["connect"] = ["/user/federate/"],
        ["datazone"] = ["/credentials"],
        ["deadline"] = ["/iam-roles", "-roles"],
        ["eks-auth"] = ["/assume-role"],
        ["emr-containers"] = ["/credentials"],
        ["lakeformation"] = ["/gettemporary", "/assumedecorated"],
        ["rolesanywhere"] = ["/sessions"],
        ["s3"] = ["/accessgrantsinstance/dataaccess"],
    }.ToFrozenDictionary();

    /// <summary>True when the answer may hold credentials.</summary>
    /// <param name="action">Of <see cref="AwsAction"/>; empty: none was told.</param>
    public static bool Includes(string service, string action, string target)
    {
        if (service == "sts")
            return !HarmlessOfSts.Contains(action);
        if (Operations.TryGetValue(service, out var operations))
            return action.Length == 0 || operations.Contains(action, StringComparer.Ordinal);
        // CreateSession of S3's directory buckets.
        if (service is "s3" or "s3express" && AwsClaim.QueryOf(target).ContainsKey("session"))
            return true;
        if (!Paths.TryGetValue(service, out var pieces))
            return false;
        var path = Uri.UnescapeDataString(target.Split('?')[0]).ToLowerInvariant();
        return pieces.Any(piece => path.Contains(piece, StringComparison.Ordinal));
    }
}
