using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Moat.Spec;

/// <summary>The stored form of a <see cref="RunSpec"/>: UTF-8 JSON with a fixed property order, so that its digest is stable.</summary>
public static class RunSpecJson
{
    public static byte[] Serialize(RunSpec spec) => JsonSerializer.SerializeToUtf8Bytes(spec, RunSpecContext.Default.RunSpec);

    /// <exception cref="JsonException">The text is not a RunSpec of a known version.</exception>
    public static RunSpec Deserialize(ReadOnlySpan<byte> utf8)
    {
        var spec = JsonSerializer.Deserialize(utf8, RunSpecContext.Default.RunSpec) ?? throw new JsonException("the run spec is null");
        return spec.Version == 1 ? spec : throw new JsonException($"the run spec has version {spec.Version}; this moat reads version 1");
    }

    /// <summary>SHA-256 of the stored form, lower-case hexadecimal.</summary>
    public static string Digest(ReadOnlySpan<byte> serialized) => Convert.ToHexStringLower(SHA256.HashData(serialized));
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RunSpec))]
internal sealed partial class RunSpecContext : JsonSerializerContext;
