using System.Text.Json.Serialization;

namespace Moat.Runs;

/// <summary>One line (or chunk of a long line) of what the agent printed.</summary>
/// <param name="Ts">When it was complete, UTC.</param>
/// <param name="Stream"><c>stdout</c>, <c>stderr</c>, or <c>tty</c> where both share a terminal.</param>
/// <param name="Line">Without its line break; control characters as printed, secrets masked.</param>
/// <param name="Partial">True: the line goes on in the next entry of the stream.</param>
public sealed record LogLine(
    [property: JsonPropertyName("ts")] DateTimeOffset Ts,
    [property: JsonPropertyName("stream")] string Stream,
    [property: JsonPropertyName("line")] string Line,
    [property: JsonPropertyName("partial"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Partial = false);

[JsonSerializable(typeof(LogLine))]
internal sealed partial class LogLineContext : JsonSerializerContext;
