using System.Globalization;
using System.Text;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// The least policy under which recorded runs would go as they went: for each host its ports, methods and paths, for each
/// credential and tool its uses. Up to <see cref="MostPaths"/> paths are listed; of more, the deepest folder that holds them all.
/// </summary>
public static class PolicySuggestion
{
    /// <summary>Paths of one host and method that stand in the policy one by one.</summary>
    public const int MostPaths = 12;

    /// <summary>The policy's text, formatted.</summary>
    /// <param name="uses">What was allowed. A path that servers read in different ways is left out: no policy on paths permits it.</param>
    public static string Write(IEnumerable<RecordedUse> uses)
    {
        ArgumentNullException.ThrowIfNull(uses);
        var all = uses.Where(static use => use.Path.Length == 0 || RequestPolicy.CanonicalPath(use.Path) is not null).ToList();
        var text = new StringBuilder();
        foreach (var host in all.Where(static use => use.Kind != RecordedUseKind.Tool).GroupBy(static use => use.Host.Value).OrderBy(static g => g.Key, StringComparer.Ordinal))
            Permit(text, "NetworkConnect", $"Host::{Quote(host.Key)}", Ports(host));
        foreach (var part in all.Where(static use => use.Kind == RecordedUseKind.Request).GroupBy(static use => (Host: use.Host.Value, use.Method)).OrderBy(static g => g.Key))
            Permit(text, "HttpRequest", $"Host::{Quote(part.Key.Host)}", $"context.method == {Quote(part.Key.Method)}", Ports(part), Paths(part));
        foreach (var part in all.SelectMany(static use => use.Grants.Select(grant => (Grant: grant, Use: use))).GroupBy(static pair => (pair.Grant, Host: pair.Use.Host.Value, pair.Use.Method)).OrderBy(static g => g.Key))
        {
            var own = part.Select(static pair => pair.Use).ToList();
            Permit(text, "CredentialUse", $"Credential::{Quote(part.Key.Grant)}", $"context.host == {Quote(part.Key.Host)}", $"context.method == {Quote(part.Key.Method)}", Ports(own), Paths(own));
        }

        foreach (var part in all.Where(static use => use.Kind == RecordedUseKind.Tool).Select(static use => (Server: RequestPolicy.McpServerName(use.Host, use.Port), use.Tool)).Distinct().Order())
            Permit(text, "McpCall", $"MCP::Tool::{Quote(part.Tool)}", $"resource in MCP::Server::{Quote(part.Server)}");
        return text.Length == 0 ? "" : PolicyFormatter.Format(new SourceText(text.ToString(), "suggested.cedar"));
    }

    private static void Permit(StringBuilder text, string action, string resource, params string[] conditions) =>
        text.Append(CultureInfo.InvariantCulture, $"permit (principal, action == Action::\"{action}\", resource == {resource})\nwhen {{ {string.Join(" && ", conditions)} }};\n\n");

    private static string Ports(IEnumerable<RecordedUse> uses) => Among("context.port", [.. uses.Select(static use => use.Port).Distinct().Order().Select(static port => port.ToString(CultureInfo.InvariantCulture))]);

    private static string Paths(IEnumerable<RecordedUse> uses)
    {
        var paths = uses.Select(static use => RequestPolicy.CanonicalPath(use.Path)).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (paths.Count <= MostPaths) return Among("context.path", [.. paths.Select(Quote)]);
        return $"context.path like \"{Pattern(Folder(paths))}*\"";
    }

    // One value is compared, more are looked up; none at all is a condition that nothing meets.
    private static string Among(string what, IReadOnlyList<string> values) => values.Count == 1 ? $"{what} == {values[0]}" : $"[{string.Join(", ", values)}].contains({what})";

    private static string Folder(List<string> sorted)
    {
        var (first, last) = (sorted[0], sorted[^1]);
        var same = 0;
        while (same < first.Length && same < last.Length && first[same] == last[same]) same++;
        return first[..(first.AsSpan(0, same).LastIndexOf('/') + 1)];
    }

    private static string Quote(string text) => CedarValue.String(text).ToString();

    private static string Pattern(string text) => CedarValue.String(text).ToString()[1..^1].Replace("*", "\\*", StringComparison.Ordinal);
}
