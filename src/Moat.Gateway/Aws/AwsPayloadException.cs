namespace Moat.Gateway.Aws;

/// <summary>A body in signed chunks that cannot be signed anew. The text holds nothing of it.</summary>
internal sealed class AwsPayloadException(string reason) : IOException(reason);
