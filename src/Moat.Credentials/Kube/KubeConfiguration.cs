using System.Text;
using Moat.Spec;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Moat.Credentials;

/// <summary>One context of the person's kubeconfig (<c>KUBECONFIG</c>, else <c>~/.kube/config</c>): its cluster and its user.</summary>
internal sealed record KubeConfiguration(string Path, string Context, Uri Server, string Namespace, string AuthorityPem, YamlMappingNode User)
{
    private const int MaxFile = 1024 * 1024;

    /// <exception cref="MoatException">There is no such context, or what it needs does not exist here.</exception>
    internal static KubeConfiguration Read(GrantSources sources, string? context)
    {
        var path = sources.Variable("KUBECONFIG") ?? System.IO.Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".kube/config");
        if (path.Contains(':', StringComparison.Ordinal)) throw new MoatException("KUBECONFIG names several files", "name the one that holds the context");
        var root = Load(path);
        context ??= Text(root, "current-context") ?? throw Bad(path, "names no current context", "choose one: moat grant kube --context NAME");
        var chosen = Named(path, root, "contexts", "context", context);
        var cluster = Named(path, root, "clusters", "cluster", Text(chosen, "cluster") ?? "");
        foreach (var key in (string[])["insecure-skip-tls-verify", "tls-server-name", "proxy-url"])
        {
            if (Text(cluster, key) is { Length: > 0 } value && value != "false") throw Bad(path, $"has {key} for its cluster, which Moat does not go along with", "use a cluster whose certificate can be verified by its own name");
        }
        return Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server) && server.Scheme == Uri.UriSchemeHttps && server.UserInfo.Length == 0 && server.Query.Length == 0
            ? new KubeConfiguration(path, context, server, Text(chosen, "namespace") ?? "", Authority(path, cluster), Named(path, root, "users", "user", Text(chosen, "user") ?? ""))
            : throw Bad(path, "has a cluster whose server is no https address", "correct it");
    }

    /// <summary>A text of a mapping; null when it is not there or empty.</summary>
    internal static string? Text(YamlMappingNode mapping, string key)
        => mapping.Children.TryGetValue(new YamlScalarNode(key), out var node) && node is YamlScalarNode { Value.Length: > 0 } scalar ? scalar.Value : null;

    internal static YamlNode? Node(YamlMappingNode mapping, string key) => mapping.Children.TryGetValue(new YamlScalarNode(key), out var node) ? node : null;

    internal MoatException Bad(string problem, string mend) => Bad(Path, problem, mend);

    private static MoatException Bad(string path, string problem, string mend) => new($"{path} {problem}", mend);

    private static YamlMappingNode Load(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: <= MaxFile }) throw new MoatException($"there is no kubeconfig at {path}", "set KUBECONFIG");
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(File.ReadAllText(path)));
            if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode mapping) return mapping;
        }
        catch (Exception ex) when (ex is YamlException or InvalidOperationException or ArgumentException or FormatException)
        {
            // Not as an inner exception: a parser may quote what it read.
        }
        throw Bad(path, "is no kubeconfig", "check it with: kubectl config view");
    }

    private static YamlMappingNode Named(string path, YamlMappingNode root, string list, string key, string name)
        => Node(root, list) is YamlSequenceNode entries
            && entries.OfType<YamlMappingNode>().FirstOrDefault(entry => Text(entry, "name") == name) is { } found && Node(found, key) is YamlMappingNode mapping ? mapping
            : throw Bad(path, $"has no {key} \"{GrantNames.Printable(name)}\"", "see: kubectl config get-contexts");

    private static string Authority(string path, YamlMappingNode cluster)
    {
        if (Text(cluster, "certificate-authority-data") is { } data)
        {
            var bytes = new byte[data.Length];
            return Convert.TryFromBase64String(data, bytes, out var length) ? Encoding.ASCII.GetString(bytes, 0, length) : throw Bad(path, "has an authority that is no base64", "correct it");
        }
        if (Text(cluster, "certificate-authority") is not { } file) return "";
        var full = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, file);
        return new FileInfo(full) is { Exists: true, Length: <= MaxFile } ? File.ReadAllText(full) : throw Bad(path, $"names an authority that is not there: {full}", "correct it");
    }
}
