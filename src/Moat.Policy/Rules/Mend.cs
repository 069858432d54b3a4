using System.Buffers;
using System.Globalization;

namespace Moat.Policy;

/// <summary>
/// What a person would write to allow what was denied. The agent chose host, method and path, so nothing goes in that
/// would open more than the denied request itself (a path of <c>/**</c>), or that YAML or a terminal reads as markup.
/// </summary>
internal static class Mend
{
    private const int MaxPath = 200;
    private static readonly SearchValues<char> PlainPath = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@+,=");
    private static readonly SearchValues<char> PlainMethod = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

    public static string ForHost(in CanonicalHost host, int port)
    {
        var usual = port is 80 or 443;
        var name = usual || !host.Value.Contains(':') ? host.Value : $"[{host.Value}]";
        var shown = usual ? name : string.Create(CultureInfo.InvariantCulture, $"{name}:{port}");
        return $"Run again with --allow-host {(shown.Contains('[') ? $"'{shown}'" : shown)}, or add - \"{shown}\" to network.rules in moat.yaml.";
    }

    public static string ForHostPort(int port) => string.Create(CultureInfo.InvariantCulture, $"Add the port in moat.yaml under network: host: [{port}]");

    /// <param name="rule">The host rule that decided.</param>
    /// <param name="denied">Its request rule that matched; null where none did.</param>
    /// <param name="method">The method as it came.</param>
    /// <param name="path">The canonical path.</param>
    public static string ForRequest(CompiledRule rule, CompiledRequest? denied, string method, ReadOnlySpan<char> path)
    {
        var plain = method.Length is > 0 and <= 20 && !method.AsSpan().ContainsAnyExcept(PlainMethod) && path.Length <= MaxPath && !path.ContainsAnyExcept(PlainPath);
        var line = plain ? $"- \"allow {method} {path}\"" : "a line that allows this request";
        return denied is null ? $"Add {line} to the rule {rule.Name}." : $"Add {line} before the line that denies it in the rule {rule.Name}.";
    }
}
