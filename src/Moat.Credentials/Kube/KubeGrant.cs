using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Moat.Spec;
using YamlDotNet.RepresentationModel;

namespace Moat.Credentials;

/// <summary>
/// The <c>kube</c> grant: one context of the person's kubeconfig, by its bearer token or by the program that prints one, which
/// runs on the host. The cluster's certificate is verified by the kubeconfig's authority alone, and the sandbox gets a
/// kubeconfig with a placeholder.
/// </summary>
internal static class KubeGrant
{
    internal const string Name = "kube";
    private const string ContextKey = "kube.context", ServerKey = "kube.server", NamespaceKey = "kube.namespace";
    private const int MaxToken = 16 * 1024;

    internal static ProviderDefinition Provider() => new()
    {
        Name = Name,
        Description = "A Kubernetes cluster, as your kubeconfig has it",
        Bindings = [],
        SourceEnv = ["KUBECONFIG"],
        Placeholder = PlaceholderTemplate.Default,
        Find = FindAsync,
        WriteFiles = Files,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var configuration = KubeConfiguration.Read(sources, request.KubeContext);
        var server = configuration.Server;
        if (!HostPattern.TryParse(server.IsDefaultPort ? server.IdnHost : string.Create(CultureInfo.InvariantCulture, $"{server.IdnHost}:{server.Port}"), out var host, out var problem)) throw configuration.Bad($"has a cluster whose server cannot be matched: {problem}", "correct it");
        var path = server.AbsolutePath.TrimEnd('/') + InjectionBinding.AnyPath;
        if (GrantScope.PathProblem(path) is { } fault) throw configuration.Bad($"has a cluster whose server cannot be matched: {fault}", "correct it");
        CheckAuthority(configuration);
        var (token, info, lifetime) = await TokenAsync(configuration, sources, ct).ConfigureAwait(false);
        return new GrantDraft(token, $"{configuration.Path}, context {GrantNames.Printable(configuration.Context)}")
        {
            Bindings = [new InjectionBinding(host.Host, "Authorization", InjectionSlot.Header, "Bearer ", host.Port) { Path = path }],
            Trust = configuration.AuthorityPem.Length > 0 ? [new ServerTrust(host.Host, configuration.AuthorityPem)] : [],
            Refresh = lifetime is null ? null : info,
            ExpiresAt = sources.Time.GetUtcNow() + lifetime,
            Metadata = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(ContextKey, configuration.Context).Add(ServerKey, server.AbsoluteUri.TrimEnd('/')).Add(NamespaceKey, configuration.Namespace),
        };
    }

    private static void CheckAuthority(KubeConfiguration configuration)
    {
        if (configuration.AuthorityPem.Length == 0) return;
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(configuration.AuthorityPem);
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            // Told below: nothing was found.
        }
        if (found.Count == 0) throw configuration.Bad("has an authority that holds no certificate", "correct it");
        foreach (var certificate in found) certificate.Dispose();
    }

    private static async Task<(Secret Token, RefreshInfo? Info, TimeSpan? Lifetime)> TokenAsync(KubeConfiguration configuration, GrantSources sources, CancellationToken ct)
    {
        var user = configuration.User;
        // In the order in which kubectl takes them.
        if (KubeConfiguration.Text(user, "tokenFile") is { } file) return (ReadToken(configuration, file), null, null);
        if (KubeConfiguration.Text(user, "token") is { } token) return (Secret.FromText(token), null, null);
        if (KubeConfiguration.Node(user, "exec") is YamlMappingNode exec)
        {
            var info = Program(configuration, exec);
            try
            {
                var answer = await ExecCredential.RunAsync(info, sources, ct).ConfigureAwait(false);
                return (answer.Access, info, answer.Lifetime);
            }
            catch (TokenRefusedException refused)
            {
                throw new MoatException($"no token was given for kube: {refused.Message}", "run the program of the kubeconfig's user by hand, to see why");
            }
        }
        throw configuration.Bad($"has no token for the user of the context {GrantNames.Printable(configuration.Context)}", "a client certificate, a password and an auth-provider have no grant; make a token: kubectl create token SERVICEACCOUNT, and put it there with: kubectl config set-credentials NAME --token=…");
    }

    private static Secret ReadToken(KubeConfiguration configuration, string file)
    {
        var full = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(configuration.Path))!, file);
        if (new FileInfo(full) is not { Exists: true, Length: <= MaxToken }) throw configuration.Bad($"names a token that is not there: {full}", "correct it");
        return Secret.FromText(File.ReadAllText(full).Trim());
    }

    private static RefreshInfo Program(KubeConfiguration configuration, YamlMappingNode exec)
    {
        var version = KubeConfiguration.Text(exec, "apiVersion") ?? "";
        if (version is not (ExecCredential.Group + "v1" or ExecCredential.Group + "v1beta1")) throw configuration.Bad("has a program of an unknown kind", $"apiVersion is {ExecCredential.Group}v1 or v1beta1");
        if (KubeConfiguration.Text(exec, "provideClusterInfo") == "true") throw configuration.Bad("has a program that wants the cluster's description, which Moat does not hand over", "use one without provideClusterInfo");
        if (KubeConfiguration.Text(exec, "interactiveMode") == "Always") throw configuration.Bad("has a program that always asks a person", "use one without interactiveMode: Always");
        var words = (KubeConfiguration.Node(exec, "args") as YamlSequenceNode)?.OfType<YamlScalarNode>().Select(word => word.Value ?? "") ?? [];
        var variables = ((KubeConfiguration.Node(exec, "env") as YamlSequenceNode)?.OfType<YamlMappingNode>() ?? []).Where(entry => KubeConfiguration.Text(entry, "name") is not null)
            .GroupBy(entry => KubeConfiguration.Text(entry, "name")!, StringComparer.Ordinal).ToImmutableSortedDictionary(entries => entries.Key, entries => KubeConfiguration.Text(entries.Last(), "value") ?? "", StringComparer.Ordinal);
        var command = KubeConfiguration.Text(exec, "command") ?? throw configuration.Bad("has a program without a name", "correct it");
        return new RefreshInfo("", "") { Kind = RefreshKind.Command, Command = [command, .. words], Variables = variables, Scope = version };
    }

    /// <summary>A kubeconfig in JSON, which YAML holds. The run's own authority is among the sandbox's, so none is named.</summary>
    private static ImmutableArray<GrantFile> Files(StoredCredential credential, IReadOnlyDictionary<string, string> placeholders)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion"u8, "v1"u8);
            json.WriteString("kind"u8, "Config"u8);
            var context = credential.Metadata[ContextKey];
            json.WriteString("current-context"u8, context);
            Entry(json, "clusters", "cluster", context, () => json.WriteString("server"u8, credential.Metadata[ServerKey]));
            Entry(json, "users", "user", context, () => json.WriteString("token"u8, placeholders[""]));
            Entry(json, "contexts", "context", context, () =>
            {
                json.WriteString("cluster"u8, context);
                json.WriteString("user"u8, context);
                if (credential.Metadata[NamespaceKey] is { Length: > 0 } name) json.WriteString("namespace"u8, name);
            });
            json.WriteEndObject();
        }
        return [new GrantFile(".kube/config", Encoding.UTF8.GetString(buffer.ToArray()))];
    }

    private static void Entry(Utf8JsonWriter json, string list, string kind, string name, Action write)
    {
        json.WriteStartArray(list);
        json.WriteStartObject();
        json.WriteString("name"u8, name);
        json.WriteStartObject(kind);
        write();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }
}
