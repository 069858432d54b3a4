using System.Collections.Frozen;

namespace Moat.Cedar;

/// <summary>The names that a schema may use and declare.</summary>
internal static class SchemaNames
{
    /// <summary>The types that every schema has, in the namespace <c>__cedar</c> and, unless it hides them, outside any.</summary>
    public static readonly FrozenDictionary<string, CedarKind> BuiltIn = new Dictionary<string, CedarKind>
    {
        ["Bool"] = CedarKind.Bool,
        ["Long"] = CedarKind.Long,
        ["String"] = CedarKind.String,
        ["decimal"] = CedarKind.Decimal,
        ["ipaddr"] = CedarKind.Ip,
        ["datetime"] = CedarKind.DateTime,
        ["duration"] = CedarKind.Duration,
    }.ToFrozenDictionary();

    /// <summary>What is wrong with the name of a common type, or null.</summary>
    public static string? CommonTypeProblem(string name)
    {
        if (!CedarName.IsName(name) || name.Contains(':', StringComparison.Ordinal)) return $"`{name}` cannot be declared";
        return name is "Bool" or "Boolean" or "Entity" or "Extension" or "Long" or "Record" or "Set" or "String"
            ? $"`{name}` is a word of schemas and cannot name a common type"
            : null;
    }

    /// <summary>What is wrong with the name of an entity type, or null.</summary>
    public static string? EntityTypeProblem(string name)
    {
        if (!CedarName.IsName(name) || name.Contains(':', StringComparison.Ordinal)) return $"`{name}` cannot be declared";
        return name == "Action" ? "the entity type `Action` is there without being declared" : null;
    }

    /// <summary>A name, in which <c>__cedar</c> may stand too.</summary>
    public static bool IsReference(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var end = text.IndexOf("::");
            var part = end < 0 ? text : text[..end];
            if (!CedarName.IsIdentifier(part) || (CedarName.IsReserved(part) && part is not CedarName.ReservedNamespace)) return false;
            if (end < 0) return true;
            text = text[(end + 2)..];
        }
    }

    /// <summary>The name within a namespace.</summary>
    public static string Qualify(string space, string name) => space.Length == 0 ? name : $"{space}::{name}";
}
