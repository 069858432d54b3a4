using System.Globalization;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;

namespace Moat.Gateway.Aws;

/// <summary>What a signed request says about its signature: in the header <c>Authorization</c>, or in the query of a presigned URL.</summary>
/// <param name="InQuery">True for a presigned URL.</param>
/// <param name="Time">In <see cref="SigV4.TimeFormat"/>; empty when a header says none.</param>
/// <param name="Lifetime">How long a presigned URL is good for; zero for a header.</param>
internal sealed record AwsClaim(bool InQuery, string KeyId, AwsCredentialScope Scope, string[] SignedHeaders, string Signature, string Time, TimeSpan Lifetime)
{
    public const string TokenName = "X-Amz-Security-Token";

    private const string SigV4a = "it is signed with SigV4a (AWS4-ECDSA-P256-SHA256), which the gateway does not make anew: call the endpoint of one region, which takes SigV4";
    private const string Foreign = "it carries a credential that is none of this run's";

    /// <summary>Reads the claim. No claim and no problem: the request is not signed at all.</summary>
    public static AwsClaim? Read(IHeaderDictionary headers, string target, out string problem)
    {
        problem = "";
        foreach (var (name, _) in headers)
        {
            if (IsSessionToken(name))
            {
                problem = $"it brings a session token of its own ({TokenName})";
                return null;
            }
        }
        var query = QueryOf(target);
        if (query.Keys.Any(IsSessionToken))
        {
            problem = $"its address brings a session token of its own ({TokenName})";
            return null;
        }
        var isPresigned = query.Keys.Any(IsSignature);
        var authorization = headers.Authorization;
        if (authorization.Count == 0)
            return isPresigned ? ReadQuery(query, out problem) : null;
        if (authorization.Count > 1 || isPresigned)
        {
            problem = "it is signed twice";
            return null;
        }
        return ReadHeader(authorization.ToString(), headers["X-Amz-Date"].ToString(), out problem);
    }

    /// <summary>True when a request names a key where a signature does.</summary>
    public static bool Names(IHeaderDictionary headers, string target, string keyId)
        => headers.Authorization.Any(value => value!.Contains(keyId, StringComparison.Ordinal)) || (target.Contains(keyId, StringComparison.Ordinal) && QueryOf(target).Keys.Any(IsSignature));

    private static AwsClaim? ReadHeader(string value, string time, out string problem)
    {
        problem = "";
        if (value.StartsWith("AWS4-ECDSA", StringComparison.OrdinalIgnoreCase))
            problem = SigV4a;
        else if (!value.StartsWith(SigV4.Algorithm + " ", StringComparison.Ordinal))
            problem = Foreign;
        if (problem.Length > 0)
            return null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in value[SigV4.Algorithm.Length..].Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !fields.TryAdd(part[..equals].Trim(), part[(equals + 1)..].Trim()))
            {
                problem = "its Authorization is not one of SigV4";
                return null;
            }
        }
        if (fields.Count == 3 && fields.TryGetValue("Credential", out var credential) && fields.TryGetValue("SignedHeaders", out var signed) && fields.TryGetValue("Signature", out var signature))
            return Make(false, credential, signed, signature, time, TimeSpan.Zero, out problem);
        problem = "its Authorization is not one of SigV4";
        return null;
    }

    private static AwsClaim? ReadQuery(Dictionary<string, List<string>> query, out string problem)
    {
        problem = "";
        if (query.Keys.Any(name => name.Equals("AWSAccessKeyId", StringComparison.OrdinalIgnoreCase)))
        {
            problem = Foreign;
            return null;
        }
        if (query.TryGetValue("X-Amz-Algorithm", out var algorithms) && algorithms.Any(one => one.StartsWith("AWS4-ECDSA", StringComparison.OrdinalIgnoreCase)))
        {
            problem = SigV4a;
            return null;
        }
        if (Single("X-Amz-Algorithm") != SigV4.Algorithm || Single("X-Amz-Credential") is not { } credential || Single("X-Amz-SignedHeaders") is not { } signed || Single("X-Amz-Signature") is not { } signature
            || Single("X-Amz-Date") is not { } time || !int.TryParse(Single("X-Amz-Expires"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds is < 1 or > 604800)
        {
            problem = "its address is not presigned as SigV4 does";
            return null;
        }
        return Make(true, credential, signed, signature, time, TimeSpan.FromSeconds(seconds), out problem);

        string? Single(string name) => query.TryGetValue(name, out var values) && values is [var only] ? only : null;
    }

    private static AwsClaim? Make(bool inQuery, string credential, string signed, string signature, string time, TimeSpan lifetime, out string problem)
    {
        problem = "";
        var slash = credential.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !AwsCredentialScope.TryParse(credential[(slash + 1)..], out var scope))
        {
            problem = "its credential scope is not DATE/REGION/SERVICE/aws4_request";
            return null;
        }
        var names = signed.Split(';');
        if (!names.Contains("host") || !names.SequenceEqual(names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) || names.Any(name => name.Any(char.IsAsciiLetterUpper)))
        {
            problem = "its signed headers are not sorted names in lower case with host among them";
            return null;
        }
        return new AwsClaim(inQuery, credential[..slash], scope, names, signature, time, lifetime);
    }

    // As servers behind a gateway interface read names: an underscore is a hyphen, and case does not matter.
    private static bool IsSessionToken(string name)
        => name.Replace('_', '-') is var plain && (plain.Equals(TokenName, StringComparison.OrdinalIgnoreCase) || plain.Equals("x-amz-s3session-token", StringComparison.OrdinalIgnoreCase));

    private static bool IsSignature(string name)
        => name.Equals("X-Amz-Signature", StringComparison.OrdinalIgnoreCase) || name.Equals("X-Amz-Algorithm", StringComparison.OrdinalIgnoreCase)
            || name.Equals("X-Amz-Credential", StringComparison.OrdinalIgnoreCase) || name.Equals("AWSAccessKeyId", StringComparison.OrdinalIgnoreCase);

    /// <summary>The query's parameters, decoded; names as they are written.</summary>
    public static Dictionary<string, List<string>> QueryOf(string target)
    {
        var found = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        if (mark < 0)
            return found;
        foreach (var pair in target[(mark + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals]);
            if (!found.TryGetValue(name, out var values))
                found[name] = values = [];
            values.Add(equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]));
        }
        return found;
    }

    /// <summary>Why the time of the signature is not good now; null when it is.</summary>
    public string? TimeProblem(DateTimeOffset now)
    {
        if (!TryReadTime(out var time) || Time[..8] != Scope.Date)
            return "its X-Amz-Date is no time, or not of the day that it is signed for";
        var skew = TimeSpan.FromMinutes(15);
        if (time > now + skew || (!InQuery && time < now - skew))
            return "its X-Amz-Date is more than 15 minutes from now";
        return InQuery && now > time + Lifetime ? "its presigned address has expired" : null;
    }

    /// <summary>When it was signed.</summary>
    public bool TryReadTime(out DateTimeOffset time)
        => DateTimeOffset.TryParseExact(Time, SigV4.TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
}
