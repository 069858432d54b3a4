using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Moat.Credentials;

/// <summary>
/// What a person's <c>.npmrc</c> says of registries: where packages come from (<c>registry</c>, <c>@scope:registry</c>) and
/// what each registry takes (<c>//host/path/:_authToken</c>, <c>_auth</c>, <c>username</c> and <c>_password</c>).
/// </summary>
internal sealed partial class NpmConfiguration
{
    private readonly Dictionary<string, string> _settings;

    private NpmConfiguration(Dictionary<string, string> settings) => _settings = settings;

    /// <summary>The registry of a scope (<c>@acme</c>), or with an empty name the registry of every other package; only URLs.</summary>
    public ImmutableSortedDictionary<string, Uri> Registries { get; private init; } = ImmutableSortedDictionary<string, Uri>.Empty;

    /// <summary>Registries with a credential, as <c>//host[:port]/path/</c>, in the file's order.</summary>
    public ImmutableArray<string> Authorized { get; private init; } = [];

    /// <param name="text">The file; empty when there is none.</param>
    /// <param name="environment">Variables that <c>${NAME}</c> stands for.</param>
    public static NpmConfiguration Parse(string text, Func<string, string?> environment)
    {
        var registries = ImmutableSortedDictionary.CreateBuilder<string, Uri>(StringComparer.Ordinal);
        var authorized = new List<string>();
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || line.TrimStart() is [';' or '#', ..]) continue;
            var key = line[..equals].Trim();
            var value = Variable().Replace(line[(equals + 1)..].Trim().Trim('"'), match => environment(match.Groups[1].Value) ?? "");
            if (key == "registry" || (key.StartsWith('@') && key.EndsWith(":registry", StringComparison.Ordinal)))
            {
                if (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" && url.UserInfo.Length == 0) registries[key == "registry" ? "" : key[..^":registry".Length]] = url;
            }
            else if (key.StartsWith("//", StringComparison.Ordinal) && key.LastIndexOf(':') is > 2 and var colon && value.Length > 0)
            {
                settings[key] = value;
                if (key[(colon + 1)..] is "_authToken" or "_auth" or "_password" && !authorized.Contains(key[..colon])) authorized.Add(key[..colon]);
            }
        }
        return new NpmConfiguration(settings) { Registries = registries.ToImmutable(), Authorized = [.. authorized] };
    }

    /// <summary>The credential of a registry: a token, or the password of a user. Null when what is there is neither.</summary>
    public (Secret Secret, string? User)? CredentialOf(string dart)
    {
        if (_settings.TryGetValue(dart + ":_authToken", out var token)) return (Secret.FromText(token), null);
        if (_settings.TryGetValue(dart + ":_auth", out var pair))
        {
            return Decode(pair) is { } text && text.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon ? (Secret.FromText(text.AsSpan(colon + 1)), text[..colon]) : null;
        }
        return _settings.TryGetValue(dart + ":username", out var user) && Decode(_settings.GetValueOrDefault(dart + ":_password", "")) is { Length: > 0 } password
            ? (Secret.FromText(password), user) : null;
    }

    /// <summary>A registry as npm names it in keys: the URL without its scheme, with a slash at its end.</summary>
    public static string DartOf(Uri registry) => $"//{registry.Authority}{registry.AbsolutePath.TrimEnd('/')}/";

    private static string? Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\??\}")]
    private static partial Regex Variable();
}
