using System.Text.Json;
using System.Text.Json.Serialization;

namespace Moat.Spec;

/// <summary>How every enumeration is spelled in JSON: <c>truncated-tail</c>. Numbers are not read.</summary>
public sealed class KebabCaseEnum<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where TEnum : struct, Enum;
