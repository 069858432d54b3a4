using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// Merges the command line, the file and the defaults into a <see cref="RunSpec"/>: the command line wins over the
/// file, the file over the default; grants, environment and mounts merge. The caller asked for trust and for the
/// confirmation of <see cref="WorkspaceCheck"/> before.
/// </summary>
public sealed class RunSpecBuilder(MoatDirectories directories)
{
    /// <summary>The grants of both sources, the command line's first, each once; what the file narrows, the command line does not widen.</summary>
    /// <exception cref="MoatException">A name is not a grant's.</exception>
    public static ImmutableArray<GrantSpec> Grants(RunRequest request, LoadedConfiguration? file)
    {
        ArgumentNullException.ThrowIfNull(request);
        var asked = request.Grants.SelectMany(g => g.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        var narrowed = file?.Configuration.Grants ?? [];
        return [.. asked.Select(CheckGrant).Concat(narrowed.Select(grant => grant.Name)).Distinct().Select(name => narrowed.FirstOrDefault(grant => grant.Name == name) ?? new GrantSpec(name))];
    }

    /// <summary>The secrets of both sources; one of the command line takes the place of the file's.</summary>
    /// <exception cref="MoatException">The command line names a secret twice.</exception>
    public static ImmutableArray<SecretSpec> Secrets(RunRequest request, LoadedConfiguration? file)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Secrets.GroupBy(secret => secret.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new MoatException($"--secret {twice.Key} is there twice", "give each secret once, its hosts with commas");
        return [.. request.Secrets, .. (file?.Configuration.Secrets ?? []).Where(secret => !request.Secrets.Any(other => other.Name == secret.Name))];
    }

    /// <summary>
    /// Builds the spec with a new id. Rules come in the order of <c>--allow-host</c>, the file, the grants, the
    /// registries; <paramref name="registryRules"/> are left out when the file says <c>registries: false</c>.
    /// </summary>
    /// <exception cref="MoatException">Something asked for is missing, wrong or refused.</exception>
    public RunSpec Build(RunRequest request, LoadedConfiguration? file, IReadOnlyList<HostRuleSpec> grantRules, IReadOnlyList<HostRuleSpec> registryRules)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(grantRules);
        ArgumentNullException.ThrowIfNull(registryRules);
        var configuration = file?.Configuration ?? new MoatConfiguration();
        var workspace = WorkspaceCheck.Of(request.WorkspacePath, directories).HostPath;
        var command = request.Command.IsEmpty ? configuration.Command : request.Command;
        if (command.IsEmpty) throw new MoatException("there is no command to run", "put it after -- (moat run . -- command) or into moat.yaml (command: [...])");
        if (command[0].Length == 0) throw new MoatException("the command is an empty word", "put a program after --");

        return new RunSpec
        {
            Id = RunNames.NewId(),
            Name = request.Name is { } name ? RunNames.Check(name) : configuration.Name ?? RunNames.FromFolder(workspace),
            Command = command,
            Interactive = request.Interactive ?? configuration.Interactive ?? false,
            Workspace = new WorkspaceSpec(workspace),
            Mounts = new MountResolver(directories, workspace).Resolve([.. configuration.Mounts, .. request.Mounts.Select(Mount)]),
            Env = Environment(request, configuration),
            Network = Network(request, configuration, file, grantRules, registryRules),
            Policy = Policy(request, file),
            Grants = Grants(request, file),
            Secrets = Secrets(request, file),
            Limits = Limits(configuration.Container),
            Profile = request.Profile,
            Downgrades = [.. request.Downgrades.Select(CheckDowngrade).Concat(configuration.Downgrades).Distinct()],
            ConfigPath = file?.Path ?? "",
            ConfigDigest = file?.Sha256 ?? "",
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    private static string CheckGrant(string name)
        => GrantText.IsName(name) ? name : throw new MoatException($"{Text.Quoted(name)} is not a grant's name", "run `moat grant providers` for the names there are");

    private static string CheckDowngrade(string name)
        => RunNames.IsName(name) ? name : throw new MoatException($"{Text.Quoted(name)} is not a protection's name", "run `moat doctor` for the names there are");

    private static MountRequest Mount(string text)
        => MountText.TryParse(text, out var source, out var target, out var readOnly, out var problem)
            ? new MountRequest(source, target, readOnly, [], "--mount")
            : throw new MoatException($"--mount {Text.Printable(text)}: {problem}", "write --mount source:target or --mount source:target:ro");

    private static ImmutableSortedDictionary<string, string> Environment(RunRequest request, MoatConfiguration configuration)
    {
        var env = configuration.Env.ToBuilder();
        foreach (var text in request.Env)
        {
            // The text may hold a secret: an error shows the name alone.
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? text : text[..equals];
            if (!EnvText.IsName(name)) throw new MoatException("-e has no variable's name before its =", "write -e NAME=value (letters, digits and _)");
            var value = equals < 0 ? System.Environment.GetEnvironmentVariable(name) : text[(equals + 1)..];
            env[name] = value ?? throw new MoatException($"-e {name}: this shell has no variable {name}", $"write -e {name}=value, or set it");
        }
        return env.ToImmutable();
    }

    private static NetworkSpec Network(RunRequest request, MoatConfiguration configuration, LoadedConfiguration? file, IReadOnlyList<HostRuleSpec> grantRules, IReadOnlyList<HostRuleSpec> registryRules)
    {
        var network = configuration.Network ?? new NetworkConfiguration();
        return new NetworkSpec
        {
            Mode = network.Mode,
            Rules = [.. request.AllowHosts.Select(AllowHost), .. network.Rules, .. grantRules, .. network.Registries ? registryRules : []],
            HostPorts = network.HostPorts,
            CaPem = file?.CaPem ?? [],
            Resolve = network.Resolve,
        };
    }

    private static HostRuleSpec AllowHost(string text)
        => HostText.TryParse(text, wildcard: true, out var host, out var port, out var problem)
            ? new HostRuleSpec(host, port, [], "--allow-host")
            : throw new MoatException($"--allow-host: {problem}", "write --allow-host api.example.org, *.example.org or host:port");

    private static PolicySpec? Policy(RunRequest request, LoadedConfiguration? file)
    {
        var policy = request.Policy
            ?? (file is { PolicyText: { } text, Configuration.Policy: { } path } ? new PolicySpec(Path.GetFileName(path), text, PolicyMode.Enforce) : null);
        var mode = request.PolicyMode ?? file?.Configuration.PolicyMode;
        if (policy is null && mode is not null) throw new MoatException("a policy mode is given, and no policy", "name one: --policy FILE, or policy: FILE in moat.yaml");
        return policy is null ? null : policy with { Mode = mode ?? PolicyMode.Enforce };
    }

    private static LimitsSpec Limits(ContainerConfiguration container)
    {
        var limits = new LimitsSpec { MemoryMiB = container.MemoryMiB, Cpus = container.Cpus, Ulimits = container.Ulimits };
        if (container.Ulimits.TryGetValue("nofile", out var files)) limits = limits with { OpenFiles = (int)files.Hard };
        if (container.Ulimits.TryGetValue("nproc", out var processes)) limits = limits with { Processes = (int)processes.Hard };
        return limits;
    }
}
