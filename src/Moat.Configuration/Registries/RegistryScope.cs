using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Configuration;

/// <summary>The environment and the files that decide which registries there are.</summary>
internal sealed class RegistryScope(Func<string, string?> environment, string systemRoot)
{
    private static readonly string[] s_variables =
    [
        "HOME", "PATH", "XDG_CONFIG_HOME", "NPM_CONFIG_REGISTRY", "npm_config_registry", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig",
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "CARGO_HOME", "GOPROXY", "GOSUMDB", "GOENV",
    ];

    private static readonly string[] s_programs = ["npm", "dotnet", "go"];

    public string? Variable(string name) => environment(name) is { Length: > 0 } value ? value : null;

    public string Home => Variable("HOME") ?? "/nonexistent";

    private string Config => Variable("XDG_CONFIG_HOME") ?? Path.Combine(Home, ".config");

    public IEnumerable<string> Npm => [Variable("NPM_CONFIG_USERCONFIG") ?? Variable("npm_config_userconfig") ?? InHome(".npmrc"), System("etc/npmrc"), System("usr/etc/npmrc"), System("usr/local/etc/npmrc")];

    public IEnumerable<string> NuGet => [InHome(".nuget/NuGet/NuGet.Config"), InHome(".config/NuGet/NuGet.Config")];

    public IEnumerable<string> Pip => Variable("PIP_CONFIG_FILE") is { } only ? [only] : [Path.Combine(Config, "pip/pip.conf"), InHome(".pip/pip.conf"), System("etc/pip.conf")];

    public IEnumerable<string> Cargo
    {
        get
        {
            var home = Variable("CARGO_HOME") ?? InHome(".cargo");
            return [Path.Combine(home, "config.toml"), Path.Combine(home, "config")];
        }
    }

    public string Go => Variable("GOENV") ?? Path.Combine(Config, "go/env");

    private string AptFolder => System("etc/apt/sources.list.d");

    public IEnumerable<string> Apt
    {
        get
        {
            yield return System("etc/apt/sources.list");
            if (!Directory.Exists(AptFolder)) yield break;
            foreach (var file in Directory.EnumerateFiles(AptFolder).Where(f => f.EndsWith(".list", StringComparison.Ordinal) || f.EndsWith(".sources", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
                yield return file;
        }
    }

    /// <summary>The first program of this name on the person's PATH; relative parts of it do not count.</summary>
    public string? Program(string name)
        => (Variable("PATH") ?? "").Split(':').Where(folder => folder.StartsWith('/')).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Changes whenever a variable, a file or a program that matters does.</summary>
    public string Key()
    {
        var text = new StringBuilder("1\n");
        foreach (var name in s_variables) text.Append(name).Append('=').Append(Variable(name)).Append('\n');
        foreach (var file in (IEnumerable<string?>)[.. Npm, .. NuGet, .. Pip, .. Cargo, Go, .. Apt, .. s_programs.Select(Program)]) Stamp(text, file);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static void Stamp(StringBuilder text, string? path)
    {
        text.Append(path);
        var info = path is null ? null : new FileInfo(path);
        if (info is { Exists: true }) text.Append(CultureInfo.InvariantCulture, $" {info.LastWriteTimeUtc.Ticks} {info.Length} {info.ResolveLinkTarget(true)?.LastWriteTimeUtc.Ticks}");
        text.Append('\n');
    }

    private string InHome(string path) => Path.Combine(Home, path);

    private string System(string path) => Path.Combine(systemRoot, path);
}
