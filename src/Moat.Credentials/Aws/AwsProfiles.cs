using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The person's own <c>~/.aws/config</c> and <c>~/.aws/credentials</c>, section by section; the second wins where both say something.</summary>
internal sealed class AwsProfiles
{
    private const int MaxLength = 1024 * 1024;
    private readonly Dictionary<string, Dictionary<string, string>> _profiles = new(StringComparer.Ordinal);

    private AwsProfiles()
    {
    }

    /// <summary>Reads the files where <c>AWS_CONFIG_FILE</c> and <c>AWS_SHARED_CREDENTIALS_FILE</c> say, else below the home.</summary>
    /// <exception cref="MoatException">A file is too large to be one.</exception>
    internal static async Task<AwsProfiles> ReadAsync(GrantSources sources, CancellationToken ct)
    {
        var profiles = new AwsProfiles();
        var folder = Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".aws");
        await profiles.ReadAsync(sources.Variable("AWS_CONFIG_FILE") ?? Path.Combine(folder, "config"), isConfig: true, ct).ConfigureAwait(false);
        await profiles.ReadAsync(sources.Variable("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(folder, "credentials"), isConfig: false, ct).ConfigureAwait(false);
        return profiles;
    }

    /// <summary>The settings of a profile; null when no file has it.</summary>
    internal IReadOnlyDictionary<string, string>? Find(string name) => _profiles.GetValueOrDefault(name);

    private async Task ReadAsync(string path, bool isConfig, CancellationToken ct)
    {
        if (!File.Exists(path)) return;
        if (new FileInfo(path).Length > MaxLength) throw new MoatException($"{path} is larger than a configuration of AWS is", "correct it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        Dictionary<string, string>? section = null;
        foreach (var line in await File.ReadAllLinesAsync(path, ct).ConfigureAwait(false))
        {
            // Indented lines belong to a nested setting, of which none matters here.
            if (line.Length == 0 || line[0] is '#' or ';' or ' ' or '\t') continue;
            if (line[0] == '[')
            {
                var end = line.IndexOf(']', StringComparison.Ordinal);
                section = end > 0 && NameOf(line[1..end].Trim(), isConfig) is { } name ? Section(name) : null;
                continue;
            }
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (section is not null && equals > 0) section[line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }
    }

    // config calls a profile [profile NAME], all but the default one; credentials just [NAME].
    private static string? NameOf(string header, bool isConfig)
        => !isConfig || header == "default" ? header
            : header.StartsWith("profile ", StringComparison.Ordinal) ? header["profile ".Length..].Trim().Trim('"', '\'') : null;

    private Dictionary<string, string> Section(string name)
    {
        if (!_profiles.TryGetValue(name, out var section)) _profiles[name] = section = new Dictionary<string, string>(StringComparer.Ordinal);
        return section;
    }
}
