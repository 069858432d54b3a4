using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>
/// Reads a provider from YAML, strictly: an unknown key, a wrong type or a bad value is an error with file, line and
/// column. Nothing has a meaning that is guessed.
/// </summary>
internal static class ProviderYaml
{
    private static readonly string[] s_keys = ["name", "description", "aliases", "hosts", "inject", "bindings", "source_env", "container_env", "files", "validate", "prompt", "placeholder"];

    internal static ProviderDefinition Parse(string file, ReadOnlySpan<byte> utf8, ProviderOrigin origin)
    {
        var root = YamlReader.Open(file, utf8, s_keys);
        var name = root.Required("name");
        if (!GrantNames.IsName(name.Value!)) throw root.Bad(name, $"\"{GrantNames.Printable(name.Value!)}\" is not a provider name (lower-case letters, digits, - _ . :)");
        var bindings = BindingYaml.Read(root);
        return new ProviderDefinition
        {
            Name = name.Value!,
            Description = root.Text("description"),
            Origin = origin,
            Aliases = root.List("aliases", GrantNames.IsName, "a name of lower-case letters, digits, - _ . :"),
            Bindings = bindings,
            SourceEnv = root.List("source_env", IsVariable, "a name of an environment variable"),
            ContainerEnv = root.List("container_env", IsVariable, "a name of an environment variable"),
            Files = [.. root.Mappings("files", ["path", "text"]).Select(ReadFile)],
            Validation = ReadValidation(root, bindings),
            Prompt = root.Text("prompt"),
            Placeholder = ReadPlaceholder(root),
        };
    }

    private static ProviderValidation? ReadValidation(YamlReader root, ImmutableArray<InjectionBinding> bindings)
    {
        if (root.Mapping("validate", ["url", "method", "header", "prefix"]) is not { } validate) return null;
        var url = validate.Required("url");
        var sample = url.Value!.Replace("${token}", "token", StringComparison.Ordinal);
        if (!Uri.TryCreate(sample, UriKind.Absolute, out var uri) || uri.UserInfo.Length > 0
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
        {
            throw validate.Bad(url, "url is an https:// address (http:// is for a loopback address)");
        }
        // The credential goes to its own hosts and nowhere else, not even to be checked.
        var host = uri.IdnHost.Trim('[', ']');
        if (!bindings.Any(binding => HostPattern.Matches(binding.Host, host) && (binding.Port ?? 443) == uri.Port))
            throw validate.Bad(url, $"url names {uri.Authority}, which is not one of hosts");
        var method = validate.Scalar("method");
        if (method is not null && method.Value is not ("GET" or "HEAD" or "POST")) throw validate.Bad(method, "method is GET, HEAD or POST");
        var prefix = validate.Scalar("prefix");
        if (prefix is not null && !BindingYaml.IsHeaderText(prefix.Value!)) throw validate.Bad(prefix, "prefix may hold visible ASCII and spaces");
        var first = bindings[0];
        var header = validate.Scalar("header") is null ? null : BindingYaml.HeaderName(validate, "header");
        if (header is null && first.Slot is InjectionSlot.BasicPassword or InjectionSlot.BasicUser) throw validate.Bad(url, "Basic needs validate.header and validate.prefix, or no validate");
        if (header is null && first.NeedsPlaceholder && first.Argument != InjectionBinding.AnyPrefix && sample == url.Value) throw validate.Bad(url, "without ${token} in url, validate.header says where the credential goes in the check");
        // Without a header of its own the check is made as the gateway would make the request.
        return new ProviderValidation(url.Value!, method?.Value ?? "GET", header ?? first.Header, prefix?.Value ?? (header is null && first.Slot == InjectionSlot.Header ? first.Argument : ""), []);
    }

    private static GrantFile ReadFile(YamlReader file)
    {
        var path = file.Required("path").Value!;
        // It is written into the sandbox's home, beside nothing of the host.
        if (path.StartsWith('/') || path.Split('/').Any(part => part is "" or "." or ".." || part.Any(c => char.IsControl(c)))) throw file.Bad("path", "path is relative to the home of the sandbox, such as .config/acme/token");
        return new GrantFile(path, file.Required("text").Value!);
    }

    private static PlaceholderTemplate ReadPlaceholder(YamlReader root)
    {
        if (root.Scalar("placeholder") is not { } node) return PlaceholderTemplate.Default;
        return PlaceholderTemplate.TryParse(node.Value!, out var template, out var error) ? template : throw root.Bad(node, error);
    }

    private static bool IsVariable(string text)
        => text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
