using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Moat.Audit;
using Moat.Cli.Commands;
using Moat.Configuration;
using Moat.Credentials;
using Moat.Policy;
using Moat.Runs;
using Moat.Sandboxes;

namespace Moat.Cli.Output;

/// <summary>What <c>--json</c> prints.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IReadOnlyList<RunState>))]
[JsonSerializable(typeof(IReadOnlyList<LogLine>))]
[JsonSerializable(typeof(IReadOnlyList<TraceEntry>))]
[JsonSerializable(typeof(IReadOnlyList<McpTraceEntry>))]
[JsonSerializable(typeof(IReadOnlyList<McpPinRow>))]
[JsonSerializable(typeof(IReadOnlyList<ExecEntry>))]
[JsonSerializable(typeof(IReadOnlyList<PolicyDifference>))]
[JsonSerializable(typeof(IReadOnlyList<GrantInfo>))]
[JsonSerializable(typeof(IReadOnlyList<GrantCheck>))]
[JsonSerializable(typeof(IReadOnlyList<ImportedItem>))]
[JsonSerializable(typeof(IReadOnlyList<ProviderRow>))]
[JsonSerializable(typeof(IReadOnlyList<HostCheck>))]
[JsonSerializable(typeof(IReadOnlyList<TrustEntry>))]
[JsonSerializable(typeof(IReadOnlyList<AuditRow>))]
[JsonSerializable(typeof(IReadOnlyList<PolicyNote>))]
[JsonSerializable(typeof(PolicyExplanation))]
[JsonSerializable(typeof(GrantRow))]
[JsonSerializable(typeof(AuditVerdict))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(VersionReport))]
[JsonSerializable(typeof(CleanReport))]
internal sealed partial class CliJson : JsonSerializerContext
{
    // Lines of a stream: one object a line. Lazy, because the order of static fields among generated parts is not ours.
    private static readonly Lazy<CliJson> s_lines = new(CreateLines);

    public static void Print<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!));

    public static void PrintLine<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, (JsonTypeInfo<T>)s_lines.Value.GetTypeInfo(typeof(T))!));

    private static CliJson CreateLines() => new(new JsonSerializerOptions(Default.Options) { WriteIndented = false });
}

internal sealed record ProviderRow(string Name, string Description, string Origin, IReadOnlyList<string> Hosts, IReadOnlyList<string> Env);

internal sealed record McpPinRow(string Server, string Tool, bool Approved, string Digest, DateTimeOffset FirstSeen, DateTimeOffset? ChangedAt);

internal sealed record GrantRow(GrantInfo Grant, string Token, IReadOnlyList<string> Env, IReadOnlyList<string> Scope, IReadOnlyList<BindingRow> Bindings);

internal sealed record BindingRow(string Scheme, string Host, int Port, string Method, string Path, InjectionSlot Slot, string Name, string Argument);

internal sealed record AuditRow(long Seq, DateTimeOffset Time, string Type, JsonElement Payload, string Prev);

internal sealed record AuditVerdict(bool Sound, VerifyStatus Status, VerifyKind Kind, long? FirstBadSeq, string Message, long Records, int Checkpoints, long ProvenRecords,
    long? WitnessedRecords, string? Origin, bool KeyPinned, IReadOnlyList<long> OpenIntents);

internal sealed record StatusReport(string Version, IReadOnlyList<RunState> ActiveRuns, int Runs, int Interrupted, int Grants, long StateBytes, string ConfigDirectory, string DataDirectory, string StateDirectory);

internal sealed record VersionReport(string Version, string Runtime, string Os);

internal sealed record CleanReport(IReadOnlyList<string> Removed, long Bytes, bool DryRun);
