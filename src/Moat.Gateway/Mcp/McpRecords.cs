using Moat.Audit;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.Mcp;

/// <summary>What the audit log holds of MCP messages: who was asked what, and never a value.</summary>
internal static class McpRecords
{
    private const int MaxArguments = 64;
    private const int MaxText = 256;

    public static AuditPayload Of(string server, McpMessage message, SecretRedactor mask, Refusal? denial, string wouldDeny)
    {
        var arguments = AuditPayload.Create();
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, bytes) in message.Arguments)
        {
            var key = Text(name, mask);
            if (named.Count < MaxArguments && named.Add(key))
                arguments = arguments.Add(key, bytes);
        }
        var payload = AuditPayload.Create()
            .Add("arguments", arguments)
            .Add("decision", denial is null ? "allowed" : "denied")
            .Add("method", Text(message.Method, mask))
            .Add("server", mask.Redact(server));
        if (message.Id is { } id)
            payload = payload.Add("id", Text(id, mask));
        if (message.Call is { } call)
            payload = payload.Add("tool", Text(call.Tool, mask));
        if (message.Arguments.Count > named.Count)
            payload = payload.Add("arguments_left_out", message.Arguments.Count - named.Count);
        if (denial is not null)
            payload = payload.Add("kind", denial.Kind).Add("reason", mask.Redact(denial.Reason)).Add("rule", denial.Rule);
        return wouldDeny.Length > 0 ? payload.Add("would_deny", wouldDeny) : payload;
    }

    public static AuditPayload Of(string server, McpPin pin, SecretRedactor mask) => AuditPayload.Create()
        .Add("approved", pin.Holds)
        .Add("digest", pin.Latest)
        .Add("server", mask.Redact(server))
        .Add("tool", Text(pin.Tool, mask));

    // Masked before it is cut, so that no piece of a secret is left over.
    private static string Text(string text, SecretRedactor mask)
    {
        var masked = mask.Redact(text);
        return masked.Length <= MaxText ? masked : masked[..MaxText] + "…";
    }
}
