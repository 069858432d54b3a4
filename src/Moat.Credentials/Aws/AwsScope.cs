namespace Moat.Credentials;

/// <summary>
/// One thing that an <c>aws</c> grant is narrowed to. <paramref name="Service"/> is a signing name (<c>s3</c>) or <c>*</c>;
/// <paramref name="Region"/> null means each; <paramref name="Action"/> (<c>ListTables</c>, <c>Get*</c>) and
/// <paramref name="Path"/> are empty where they do not matter, and never both there.
/// </summary>
public sealed record AwsScopeRule(string Service, string? Region, string Action, string Method, string Path)
{
    internal const string Mend = "write SERVICE, SERVICE:ACTION (a star may end the action), SERVICE@REGION:ACTION, or \"SERVICE METHOD /path\"; for example s3, dynamodb@eu-west-1:Get*, \"s3 GET /my-bucket/**\"";

    /// <summary>Reads an entry; null with the problem when it is none.</summary>
    internal static AwsScopeRule? Parse(string entry, out string problem)
    {
        problem = "it names no service, action or path";
        var words = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is not (1 or 3)) return null;
        var colon = words[0].IndexOf(':', StringComparison.Ordinal);
        var (place, action) = colon < 0 ? (words[0], "") : (words[0][..colon], words[0][(colon + 1)..]);
        var at = place.IndexOf('@', StringComparison.Ordinal);
        var (service, region) = at < 0 ? (place, null) : (place[..at], place[(at + 1)..]);
        if (service != "*" && !AwsCredentialScope.IsName(service)) return null;
        if (region is not null && !AwsCredentialScope.IsName(region)) return null;
        if (words.Length == 1)
        {
            if (colon < 0) return new AwsScopeRule(service, region, "", "", "");
            var name = action.EndsWith('*') ? action[..^1] : action;
            return action.Length > 0 && name.All(char.IsAsciiLetterOrDigit) ? new AwsScopeRule(service, region, action, "", "") : null;
        }
        if (colon >= 0 || !(words[1] == "*" || words[1].All(char.IsAsciiLetterUpper))) return null;
        if (GrantScope.PathProblem(words[2]) is { } bad)
        {
            problem = bad;
            return null;
        }
        return new AwsScopeRule(service, region, "", words[1], words[2]);
    }

    /// <summary>True when an action that was told is this rule's.</summary>
    public bool IsForAction(string action)
        => Action.EndsWith('*') ? action.StartsWith(Action.AsSpan(0, Action.Length - 1), StringComparison.Ordinal) : Action == action;

    /// <summary>True when a signature's service and region are this rule's.</summary>
    public bool IsFor(in AwsCredentialScope scope) => (Service == "*" || Service == scope.Service) && (Region is null || Region == scope.Region);
}
