using System.CommandLine;
using System.Globalization;
using Moat.Credentials;

namespace Moat.Cli;

/// <summary>The options of <c>moat grant aws</c>.</summary>
internal static class AwsOptions
{
    private static readonly Option<string?> s_role = new("--role") { Description = "Role whose sessions the run gets (aws)", HelpName = "ARN" };
    private static readonly Option<string?> s_region = new("--region") { Description = "Region of the sandbox's clients and of STS (aws)", HelpName = "REGION" };
    private static readonly Option<string?> s_externalId = new("--external-id") { Description = "What the role's owner asks for (aws)", HelpName = "ID" };
    private static readonly Option<string?> s_session = new("--session-duration") { Description = "How long a session of the role lives: 15m to 12h (aws)", HelpName = "TIME" };
    private static readonly Option<string?> s_profile = new("--aws-profile") { Description = "Profile of your AWS configuration that holds the keys (aws)", HelpName = "NAME" };

    public static IEnumerable<Option> All => [s_role, s_region, s_externalId, s_session, s_profile];

    /// <exception cref="Spec.MoatException">The duration is none.</exception>
    public static AwsGrantRequest Read(ParseResult parsed) => new()
    {
        Role = parsed.GetValue(s_role),
        Region = parsed.GetValue(s_region),
        ExternalId = parsed.GetValue(s_externalId),
        Session = parsed.GetValue(s_session) is { } session ? Duration(session) : null,
        Profile = parsed.GetValue(s_profile),
    };

    private static TimeSpan Duration(string text)
        => text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 100_000 && text[^1] is 's' or 'm' or 'h'
            ? text[^1] switch { 's' => TimeSpan.FromSeconds(number), 'm' => TimeSpan.FromMinutes(number), _ => TimeSpan.FromHours(number) }
            : throw new Spec.MoatException("--session-duration is no duration", "write it as 15m, 3600s or 12h");
}
