using System.Collections.Frozen;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Aws;

/// <summary>
/// Tells which operation of its service a request asks for, where the protocol says so in one place that the service and
/// the gateway read alike: <c>X-Amz-Target</c> with AWS's JSON, the parameter <c>Action</c> of a form or a query, or
/// <c>/service/NAME/operation/NAME</c>. Services with paths of their own (S3, Lambda …) name no operation.
/// </summary>
internal static class AwsAction
{
    // Those that read a form or a query, whatever else a request holds.
    private static readonly FrozenSet<string> QueryServices = FrozenSet.Create(
        StringComparer.Ordinal,
        "autoscaling", "cloudformation", "cloudsearch", "ec2", "elasticache", "elasticbeanstalk", "elasticloadbalancing", "iam", "importexport", "monitoring", "rds", "redshift", "sdb", "ses", "sns", "sqs", "sts");

    /// <summary>True when the body has to be read to tell the operation.</summary>
    public static bool IsInBody(string service, string method, HttpRequest request) => QueryServices.Contains(service) && method == "POST" && IsForm(request);

    /// <summary>The operation; empty where none is told, or more than one.</summary>
    /// <param name="body">Of a form; otherwise null.</param>
    public static string Tell(string service, string method, string target, HttpRequest request, byte[]? body)
    {
        var targets = request.Headers["X-Amz-Target"];
        var actions = AwsClaim.QueryOf(target).Where(pair => pair.Key.Equals("Action", StringComparison.OrdinalIgnoreCase)).SelectMany(pair => pair.Value).ToArray();
        if (QueryServices.Contains(service) && !(service is "sqs" or "monitoring" && targets.Count > 0))
        {
            if (targets.Count > 0)
                return "";
            if (method == "GET")
                return HasBody(request) || actions is not [var asked] ? "" : Name(asked);
            if (method != "POST" || actions.Length > 0 || body is null)
                return "";
            actions = [.. AwsClaim.QueryOf("?" + Encoding.Latin1.GetString(body)).Where(pair => pair.Key.Equals("Action", StringComparison.OrdinalIgnoreCase)).SelectMany(pair => pair.Value)];
            return actions is [var only] ? Name(only) : "";
        }
        if (targets.Count > 0)
        {
            if (targets.Count > 1 || actions.Length > 0 || method != "POST" || request.ContentType?.StartsWith("application/x-amz-json-1.", StringComparison.OrdinalIgnoreCase) != true)
                return "";
            return Name(targets.ToString()[(targets.ToString().LastIndexOf('.') + 1)..]);
        }
        var path = target.Split('?')[0].Split('/');
        return path is ["", "service", _, "operation", var operation] && method == "POST" && actions.Length == 0 ? Name(operation) : "";
    }

    private static bool IsForm(HttpRequest request)
    {
        var type = request.ContentType.AsSpan();
        var end = type.IndexOf(';');
        return (end < 0 ? type : type[..end]).Trim().Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) && request.Headers.ContentEncoding.Count == 0;
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;

    private static string Name(string text) => text.Length is > 0 and < 100 && text.All(char.IsAsciiLetterOrDigit) ? text : "";
}
