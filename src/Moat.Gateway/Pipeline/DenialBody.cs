using System.Buffers;
using System.Text.Json;

namespace Moat.Gateway.Pipeline;

/// <summary>The JSON that an agent gets instead of what it asked for.</summary>
internal static class DenialBody
{
    public const string BlockedHeader = "X-Moat-Blocked";

    public static byte[] Write(Refusal refusal, string host)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("error"u8, refusal.Reason);
            json.WriteString("host"u8, host);
            json.WriteString("rule"u8, refusal.Rule);
            json.WriteString("how_to_allow"u8, refusal.HowToAllow);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
