using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Secrets as people write them: a source (<c>env://NAME</c>) and, on the command line, <c>NAME=SOURCE@HOST</c>.</summary>
public static class SecretText
{
    /// <summary>What a value that stands on the command line itself has as its source.</summary>
    public const string Inline = "--secret";

    private static readonly string[] s_schemes = ["env://", "file://", "cmd://", "op://", "ssm://"];

    internal static bool IsSource(string text) => s_schemes.Any(scheme => text.StartsWith(scheme, StringComparison.Ordinal) && text.Length > scheme.Length) && !text.Any(char.IsControl);

    /// <summary>
    /// <c>NAME@host</c> takes the value of this shell's variable, <c>NAME=env://OTHER@host</c> that of a source, and
    /// <c>NAME=value@host</c> is the value, which everyone on this machine can read in the list of processes.
    /// </summary>
    /// <returns>The secret, and its value where the text holds it.</returns>
    /// <exception cref="MoatException">The text is none. It is not shown: it may hold a secret.</exception>
    public static (SecretSpec Secret, string? Value) Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const string Mend = "write --secret NAME@api.example.org, or --secret NAME=env://OTHER@api.example.org (several hosts with commas)";
        var at = text.LastIndexOf('@');
        if (at <= 0 || at == text.Length - 1) throw new MoatException("--secret names no host that it is for", Mend);
        var hosts = ImmutableArray.CreateBuilder<string>();
        foreach (var word in text[(at + 1)..].Split(','))
            hosts.Add(Host(word, out var problem) ?? throw new MoatException($"--secret: {problem}", Mend));
        var head = text[..at];
        var equals = head.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? head : head[..equals];
        if (!EnvText.IsName(name)) throw new MoatException("--secret does not begin with a variable's name", Mend);
        var value = equals < 0 ? $"env://{name}" : head[(equals + 1)..];
        if (value.Length == 0) throw new MoatException($"--secret {name} has no value", Mend);
        return IsSource(value) ? (new SecretSpec(name, value) { Hosts = hosts.ToImmutable() }, null) : (new SecretSpec(name, Inline) { Hosts = hosts.ToImmutable() }, value);
    }

    /// <summary>The one spelling of <c>host[:port]</c>; null with a reason when it is none. A secret is for hosts by name, without wildcards.</summary>
    internal static string? Host(string text, out string problem)
    {
        if (!HostText.TryParse(text, wildcard: false, out var host, out var port, out problem)) return null;
        var bracketed = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        return port is null or 443 ? host : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bracketed}:{port}");
    }
}
