using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>The last answer, by a key over everything it depends on.</summary>
internal static class RegistryCache
{
    private const int MaxBytes = 1 << 20;

    // An answer in which a client was silent is asked for again after this time.
    private static readonly TimeSpan s_retry = TimeSpan.FromHours(12);

    public static ImmutableArray<HostRuleSpec>? Load(string folder, string key, DateTimeOffset now)
    {
        try
        {
            if (BoundedFile.Read(FileOf(folder), MaxBytes) is not { } bytes) return null;
            var stored = JsonSerializer.Deserialize(bytes, ConfigurationJson.Default.StoredRegistries);
            return stored is null || stored.Key != key || (!stored.Complete && (now - stored.At).Duration() > s_retry) ? null : stored.Rules;
        }
        catch (Exception ex) when (ex is JsonException or MoatException)
        {
            // A cache that cannot be read is made anew.
            return null;
        }
    }

    public static void Save(string folder, string key, ImmutableArray<HostRuleSpec> rules, bool complete, DateTimeOffset now)
    {
        try
        {
            AtomicFile.Write(FileOf(folder), JsonSerializer.SerializeToUtf8Bytes(new StoredRegistries(key, now, complete, rules), ConfigurationJson.Default.StoredRegistries));
        }
        catch (MoatException)
        {
            // Without a cache the next run asks again; this one has its answer.
        }
    }

    private static string FileOf(string folder) => Path.Combine(folder, "registries.json");
}

internal sealed record StoredRegistries(string Key, DateTimeOffset At, bool Complete, ImmutableArray<HostRuleSpec> Rules);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StoredRegistries))]
[JsonSerializable(typeof(StoredTrust))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;
