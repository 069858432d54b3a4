using System.Text.Json;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Cli.Commands;

/// <summary>A call of an MCP tool as a person writes it.</summary>
internal static class McpCallText
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>The call; null where no tool is named.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">A JSON object; null for none.</param>
    /// <exception cref="MoatException">The arguments are none.</exception>
    public static McpCall? Of(string? tool, string? arguments)
    {
        if (tool is null) return null;
        if (arguments is null) return new McpCall(tool, McpArguments.None);
        var problem = "they are no JSON object";
        try
        {
            using var document = JsonDocument.Parse(arguments, s_strict);
            if (McpArguments.TryRead(document.RootElement, out var read, out problem)) return new McpCall(tool, read);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            problem = "they are no JSON object";
        }

        throw new MoatException($"the arguments cannot be used: {problem}", "write --arguments '{\"path\": \"/work/a\"}'");
    }
}
