using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Reads the configuration files of package clients for URLs. A file that cannot be read has none.</summary>
internal static partial class RegistryReaders
{
    private const int MaxBytes = 1 << 20;

    public static List<FoundRegistry> ReadAll(RegistryScope scope)
        => [.. Npm(scope), .. NuGet(scope), .. Pip(scope), .. Cargo(scope), .. Go(scope), .. Apt(scope)];

    private static IEnumerable<FoundRegistry> Npm(RegistryScope scope)
    {
        foreach (var name in (string[])["NPM_CONFIG_REGISTRY", "npm_config_registry"])
        {
            if (scope.Variable(name) is { } url) yield return new("npm", url, name);
        }
        foreach (var file in scope.Npm)
        {
            foreach (var (key, value) in Settings(file))
            {
                if (key == "registry" || (key.StartsWith('@') && key.EndsWith(":registry", StringComparison.Ordinal)))
                    yield return new("npm", NpmVariable().Replace(value, m => scope.Variable(m.Groups[1].Value) ?? ""), Path.GetFileName(file));
            }
        }
    }

    private static IEnumerable<FoundRegistry> NuGet(RegistryScope scope)
    {
        foreach (var file in scope.NuGet)
        {
            if (Text(file) is not { } text) continue;
            XElement? root = null;
            try
            {
                using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
                root = XDocument.Load(reader).Root;
            }
            catch (XmlException)
            {
                // NuGet itself would refuse this file; it names no source.
                continue;
            }
            var disabled = root?.Element("disabledPackageSources")?.Elements("add").Where(e => (string?)e.Attribute("value") == "true").Select(e => (string?)e.Attribute("key")).ToHashSet() ?? [];
            foreach (var source in root?.Element("packageSources")?.Elements("add") ?? [])
            {
                if ((string?)source.Attribute("value") is { } url && !disabled.Contains((string?)source.Attribute("key"))) yield return new("nuget", url, Path.GetFileName(file));
            }
        }
    }

    private static IEnumerable<FoundRegistry> Pip(RegistryScope scope)
    {
        foreach (var name in (string[])["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"])
        {
            foreach (var url in Words(scope.Variable(name))) yield return new("pip", url, name);
        }
        foreach (var file in scope.Pip)
        {
            var last = "";
            foreach (var line in Lines(file))
            {
                // A line that starts with a blank continues the value before it.
                var continues = line.Length > 0 && line[0] is ' ' or '\t';
                var (key, value) = continues ? (last, line.Trim()) : Setting(line);
                last = key;
                if (key is not ("index-url" or "extra-index-url" or "index_url" or "extra_index_url")) continue;
                foreach (var url in Words(value)) yield return new("pip", url, Path.GetFileName(file));
            }
        }
    }

    private static IEnumerable<FoundRegistry> Cargo(RegistryScope scope)
        => from file in scope.Cargo
           from line in Lines(file)
           where !line.TrimStart().StartsWith('#')
           from Match match in CargoUrl().Matches(line)
           select new FoundRegistry("cargo", match.Groups[1].Value, Path.GetFileName(file));

    private static IEnumerable<FoundRegistry> Go(RegistryScope scope)
    {
        foreach (var name in (string[])["GOPROXY", "GOSUMDB"])
        {
            var (value, where) = scope.Variable(name) is { } variable ? (variable, name)
                : (Settings(scope.Go).LastOrDefault(s => s.Key == name).Value, "go/env");
            foreach (var url in name == "GOPROXY" ? GoProxies(value) : GoSumDatabase(value)) yield return new("go", url, where);
        }
    }

    /// <summary>The URLs of a GOPROXY list; <c>direct</c> and <c>off</c> are none.</summary>
    public static IEnumerable<string> GoProxies(string? value)
        => (value ?? "").Split([',', '|'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(p => p.Contains("://", StringComparison.Ordinal));

    /// <summary>The URL of a GOSUMDB value: <c>name</c>, <c>name+key</c>, or either and a URL.</summary>
    public static IEnumerable<string> GoSumDatabase(string? value)
    {
        var words = Words(value).ToArray();
        if (words.Length == 0 || words[0] == "off") return [];
        var place = words.Length > 1 ? words[1] : words[0].Split('+')[0];
        return [place.Contains("://", StringComparison.Ordinal) ? place : "https://" + place];
    }

    private static IEnumerable<FoundRegistry> Apt(RegistryScope scope)
    {
        foreach (var file in scope.Apt)
        {
            var urls = file.EndsWith(".sources", StringComparison.Ordinal) ? Deb822(Lines(file)) : Lines(file).Select(AptLine).OfType<string>();
            foreach (var url in urls) yield return new("apt", url, Path.GetFileName(file));
        }
    }

    private static string? AptLine(string line)
    {
        var match = AptEntry().Match(line);
        return match.Success ? match.Groups[1].Value : null;
    }

    private static IEnumerable<string> Deb822(IEnumerable<string> lines)
    {
        var urls = new List<string>();
        var enabled = true;
        var field = "";
        foreach (var line in lines.Append(""))
        {
            if (line.StartsWith('#')) continue;
            if (line.Trim().Length == 0)
            {
                if (enabled) foreach (var url in urls) yield return url;
                (enabled, field) = (true, "");
                urls = [];
                continue;
            }
            var value = line;
            if (line[0] is not (' ' or '\t'))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon < 0) continue;
                (field, value) = (line[..colon].ToLowerInvariant(), line[(colon + 1)..]);
            }
            if (field == "uris") urls.AddRange(Words(value));
            else if (field == "enabled" && value.Trim().ToLowerInvariant() is "no" or "false" or "0") enabled = false;
        }
    }

    private static IEnumerable<(string Key, string Value)> Settings(string file) => Lines(file).Select(line => Setting(line.Trim())).Where(s => s.Key.Length > 0);

    private static (string Key, string Value) Setting(string line)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        return equals <= 0 || line[0] is '#' or ';' or '[' ? ("", "") : (line[..equals].Trim(), line[(equals + 1)..].Trim());
    }

    private static string[] Words(string? text) => (text ?? "").Split([' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    private static string[] Lines(string file) => Text(file)?.Split('\n').Select(l => l.TrimEnd('\r')).ToArray() ?? [];

    private static string? Text(string file)
    {
        try
        {
            return BoundedFile.Read(file, MaxBytes) is { } bytes && bytes.Length <= MaxBytes ? System.Text.Encoding.UTF8.GetString(bytes).TrimStart('\ufeff') : null;
        }
        catch (MoatException)
        {
            // Not readable for the person, so not readable for the client that is asked to use it.
            return null;
        }
    }

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\??\}")]
    private static partial Regex NpmVariable();

    [GeneratedRegex("""(?:^|[\s{,.])(?:registry|index)\s*=\s*["']([^"']+)["']""")]
    private static partial Regex CargoUrl();

    [GeneratedRegex(@"^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(\S+)")]
    private static partial Regex AptEntry();
}
