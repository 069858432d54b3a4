using System.Buffers;
using System.Text.Json;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Mcp;

/// <summary>Denials in JSON-RPC's own words, so that the client tells its agent instead of giving up on the server.</summary>
internal static class McpDenials
{
    /// <summary>Of the range that JSON-RPC 2.0 §5.1 leaves to implementations.</summary>
    public const int Code = -32050;

    /// <summary>The refusal as the answer to the messages; notifications have no answer and get the usual one with 403.</summary>
    /// <param name="overEvents">The client waits for answers on another connection and hears of this one by its status alone.</param>
    public static Refusal For(Refusal refusal, McpBody body, string host, bool overEvents)
    {
        var asking = body.Messages.Where(static m => m.Id is not null).Select(static m => m.Id!).ToArray();
        if (asking.Length == 0)
            return refusal with { Status = 403 };
        return refusal with { Status = overEvents ? 403 : 200, Body = Write(refusal, asking, body.IsBatch, host) };
    }

    /// <summary>The refusal of a body that is not understood, so that no id is known.</summary>
    public static Refusal Unread(Refusal refusal, string host) => refusal with { Body = Write(refusal, ["null"], batch: false, host) };

    private static byte[] Write(Refusal refusal, string[] ids, bool batch, string host)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            if (batch)
                json.WriteStartArray();
            foreach (var id in ids)
            {
                json.WriteStartObject();
                json.WriteString("jsonrpc"u8, "2.0"u8);
                json.WritePropertyName("id"u8);
                json.WriteRawValue(id);
                json.WriteStartObject("error"u8);
                json.WriteNumber("code"u8, Code);
                json.WriteString("message"u8, $"denied by Moat: {refusal.Reason}");
                json.WriteStartObject("data"u8);
                json.WriteString("blocked"u8, refusal.Kind);
                json.WriteString("host"u8, host);
                json.WriteString("rule"u8, refusal.Rule);
                json.WriteString("how_to_allow"u8, refusal.HowToAllow);
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndObject();
            }
            if (batch)
                json.WriteEndArray();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
