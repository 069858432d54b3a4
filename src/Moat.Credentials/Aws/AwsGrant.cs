using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>What <c>moat grant aws</c> was told beside its name; null: nothing.</summary>
public sealed record AwsGrantRequest
{
    /// <summary>ARN of the role whose sessions the run gets.</summary>
    public string? Role { get; init; }

    /// <summary>Region of the sandbox's clients and of STS.</summary>
    public string? Region { get; init; }

    /// <summary>What the role's owner asks for.</summary>
    public string? ExternalId { get; init; }

    /// <summary>How long a session lives: 15 minutes to 12 hours.</summary>
    public TimeSpan? Session { get; init; }

    /// <summary>A profile of the person's AWS configuration.</summary>
    public string? Profile { get; init; }

    internal bool IsEmpty => (Role ?? Region ?? ExternalId ?? Profile) is null && Session is null;
}

/// <summary>
/// The <c>aws</c> grant: keys of the environment or of a profile, or sessions of a role that those may assume. The sandbox
/// signs with placeholders; the gateway signs anew.
/// </summary>
internal static class AwsGrant
{
    internal const string Name = "aws";
    internal const string RegionKey = "aws.region", StsKey = "aws.sts";
    private const string DefaultRegion = "us-east-1";
    private const int DefaultSeconds = 900, LeastSeconds = 900, MostSeconds = 12 * 3600;

    // AWS's partitions: the world's, China's, the European Sovereign Cloud's; api.aws is where the world's answers over IPv6 too.
    private static readonly string[] s_hosts = ["*.amazonaws.com", "*.amazonaws.com.cn", "*.amazonaws.eu", "*.api.aws"];

    internal static ProviderDefinition Provider() => new()
    {
        Name = Name,
        Description = "AWS: requests are signed outside of the sandbox",
        Bindings = [.. s_hosts.Select(host => new InjectionBinding(host, "", InjectionSlot.AwsSignature))],
        SourceEnv = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
        ContainerEnv = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        Placeholder = PlaceholderTemplate.Parse("{base62:40}"),
        Find = FindAsync,
        Prove = (credential, handler, time, ct) => new AwsSts(handler, time).ProveAsync(
            credential.Metadata[StsKey], credential.Metadata[RegionKey],
            new AwsKeys(credential.Parts[AwsKeys.KeyIdPart], credential.Token, credential.Parts.GetValueOrDefault(AwsKeys.SessionPart)), ct),
        WriteEnv = Env,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var told = request.Aws ?? new AwsGrantRequest();
        var profiles = await AwsProfiles.ReadAsync(sources, ct).ConfigureAwait(false);
        var name = told.Profile ?? (sources.Variable("AWS_ACCESS_KEY_ID") is null ? sources.Variable("AWS_PROFILE") ?? "default" : null);
        var profile = name is null ? null : profiles.Find(name) ?? throw new MoatException(
            told.Profile is null ? "no credential for aws was given" : $"there is no AWS profile \"{GrantNames.Printable(name)}\"",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/config: moat grant aws --aws-profile NAME");
        var role = told.Role ?? profile?.GetValueOrDefault("role_arn");
        var region = told.Region ?? sources.Variable("AWS_REGION") ?? sources.Variable("AWS_DEFAULT_REGION") ?? profile?.GetValueOrDefault("region") ?? DefaultRegion;
        if (!AwsCredentialScope.IsName(region)) throw new MoatException($"\"{GrantNames.Printable(region)}\" is no region of AWS", "name one such as eu-west-1");
        var sts = sources.Variable("AWS_ENDPOINT_URL_STS") ?? $"https://sts.{region}.{DomainOf(region)}/";
        var (keys, source) = profile is null ? (FromEnvironment(sources), "the environment") : (FromProfile(profiles, name!), $"the AWS profile {GrantNames.Printable(name!)}");
        var facts = ImmutableSortedDictionary<string, string>.Empty.Add(RegionKey, region).Add(StsKey, sts);
        if (role is null)
        {
            if (told.ExternalId is not null || told.Session is not null) throw new MoatException("--external-id and --session-duration are of a role's sessions", "name the role: --role ARN");
            return new GrantDraft(keys.Secret, source) { Parts = Parts("", keys), Metadata = facts };
        }
        return new GrantDraft(keys.Secret, $"{source}, as {role}")
        {
            Parts = Parts(AwsRole.SourcePrefix, keys).Add(AwsRole.SourceSecretPart, Secret.Copy(keys.Secret.Reveal())),
            Metadata = facts,
            Refresh = new RefreshInfo(sts, CheckRole(role))
            {
                Role = new AwsRole(region, told.ExternalId ?? profile?.GetValueOrDefault("external_id") ?? "", Seconds(told.Session, profile)),
            },
            // A session is had before anything is stored for good: what is due at once is renewed at once.
            ExpiresAt = DateTimeOffset.UnixEpoch,
        };
    }

    private static Keys FromEnvironment(GrantSources sources)
        => new(Secret.FromText(sources.Variable("AWS_ACCESS_KEY_ID")!),
            Secret.FromText(sources.Variable("AWS_SECRET_ACCESS_KEY") ?? throw new MoatException("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not", "set both, or neither and name a profile: moat grant aws --aws-profile NAME")),
            sources.Variable("AWS_SESSION_TOKEN") is { } session ? Secret.FromText(session) : null);

    private static Keys FromProfile(AwsProfiles profiles, string name)
    {
        var profile = profiles.Find(name)!;
        var from = profile.ContainsKey("role_arn") && profile.GetValueOrDefault("source_profile") is { } source && source != name
            ? profiles.Find(source) ?? throw new MoatException($"the AWS profile {GrantNames.Printable(name)} has a source_profile that is not there", "correct ~/.aws/config")
            : profile;
        if (from.GetValueOrDefault("aws_access_key_id") is not { Length: > 0 } id || from.GetValueOrDefault("aws_secret_access_key") is not { Length: > 0 } secret || profile.ContainsKey("mfa_serial"))
            throw new MoatException($"the AWS profile {GrantNames.Printable(name)} holds no keys of its own (it signs in with a browser, a program, a second factor or another role)",
                $"let the AWS CLI make them: eval \"$(aws configure export-credentials --profile {GrantNames.Printable(name)} --format env)\"; moat grant aws");
        return new Keys(Secret.FromText(id), Secret.FromText(secret), from.GetValueOrDefault("aws_session_token") is { Length: > 0 } session ? Secret.FromText(session) : null);
    }

    private static ImmutableSortedDictionary<string, Secret> Parts(string prefix, Keys keys)
    {
        var parts = ImmutableSortedDictionary<string, Secret>.Empty.Add(prefix + AwsKeys.KeyIdPart, keys.Id);
        return keys.Session is null ? parts : parts.Add(prefix + AwsKeys.SessionPart, keys.Session);
    }

    private static string CheckRole(string role)
        => role.Split(':') is ["arn", var partition, "iam", "", { Length: 12 } account, var rest] && partition.StartsWith("aws", StringComparison.Ordinal)
            && account.All(char.IsAsciiDigit) && rest.StartsWith("role/", StringComparison.Ordinal) && role.Length <= 2048 && role.All(c => c is > ' ' and <= '~')
                ? role : throw new MoatException($"\"{GrantNames.Printable(role)}\" is no ARN of a role", "write it as arn:aws:iam::123456789012:role/NAME");

    private static int Seconds(TimeSpan? told, IReadOnlyDictionary<string, string>? profile)
    {
        var seconds = told?.TotalSeconds ?? (int.TryParse(profile?.GetValueOrDefault("duration_seconds"), NumberStyles.None, CultureInfo.InvariantCulture, out var own) ? own : DefaultSeconds);
        return seconds is >= LeastSeconds and <= MostSeconds ? (int)seconds : throw new MoatException("a session of a role lives 15 minutes to 12 hours", "give --session-duration as 15m, 1h or 12h");
    }

    private static string DomainOf(string region)
        => region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : region.StartsWith("eusc-", StringComparison.Ordinal) ? "amazonaws.eu" : "amazonaws.com";

    private static ImmutableSortedDictionary<string, string> Env(StoredCredential credential, IReadOnlyDictionary<string, string> placeholders)
    {
        var region = credential.Metadata.GetValueOrDefault(RegionKey, DefaultRegion);
        return new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = AwsKeys.PlaceholderId(placeholders[""]),
            ["AWS_SECRET_ACCESS_KEY"] = placeholders[""],
            ["AWS_REGION"] = region,
            ["AWS_DEFAULT_REGION"] = region,
            // There is no machine behind that address; asking it would cost a client seconds.
            ["AWS_EC2_METADATA_DISABLED"] = "true",
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    private readonly record struct Keys(Secret Id, Secret Secret, Secret? Session);
}
