using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Reads the top level of a file.</summary>
internal sealed class ConfigurationParser
{
    /// <summary>Every field of the top level.</summary>
    public static readonly string[] Keys =
    [
        "name", "agent", "version", "grants", "secrets", "env", "workspace", "mounts", "command", "interactive", "clipboard", "network", "policy", "policy_mode", "sandbox", "container", "downgrades",
        .. NotYet.Fields.Keys,
    ];

    private static readonly string[] s_ulimits =
    [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
    ];

    private readonly NodeReader _reader;

    private ConfigurationParser(ErrorList errors) => _reader = new NodeReader(errors);

    public static ConfigurationResult Parse(string file, ReadOnlySpan<byte> utf8)
    {
        var errors = new ErrorList(file);
        var root = Yaml.Read(utf8, errors);
        var configuration = root is null ? null : new ConfigurationParser(errors).Read(root);
        var sorted = errors.ToSorted();
        return new ConfigurationResult(sorted.IsEmpty ? configuration : null, sorted);
    }

    private MoatConfiguration Read(Node root)
    {
        var file = new MoatConfiguration();
        foreach (var (key, value) in _reader.Fields(root, "", Keys))
        {
            if (NotYet.Fields.TryGetValue(key.Value, out var mend))
            {
                _reader.Bad(key, NotYet.Problem(key.Value), mend);
                continue;
            }
            switch (key.Value)
            {
                case "name": file = file with { Name = Name(value) }; break;
                case "agent": Agent(value); break;
                case "version": file = file with { Version = _reader.String(value, "version") }; break;
                case "grants": file = file with { Grants = new GrantSection(_reader).Read(value) }; break;
                case "secrets": file = file with { Secrets = new SecretSection(_reader).Read(value) }; break;
                case "env": file = file with { Env = Env(value) }; break;
                case "workspace": Workspace(value); break;
                case "mounts": file = file with { Mounts = [.. _reader.Items(value, "mounts").Select(Mount).OfType<MountRequest>()] }; break;
                case "command": file = file with { Command = Command(value) }; break;
                case "interactive": file = file with { Interactive = _reader.Bool(value, "interactive") }; break;
                case "clipboard":
                    if (_reader.Bool(value, "clipboard") == true) _reader.Bad(key, NotYet.Problem("clipboard"), NotYet.Clipboard);
                    break;
                case "network": file = file with { Network = new NetworkSection(_reader).Read(value) }; break;
                case "policy": file = file with { Policy = PolicyPath(value) }; break;
                case "policy_mode": file = file with { PolicyMode = Mode(value) }; break;
                case "sandbox": Sandbox(value); break;
                case "container": file = file with { Container = Container(value) }; break;
                case "downgrades": file = file with { Downgrades = Words(value, "downgrades", RunNames.IsName, "a protection's name such as landlock; `moat doctor` lists them") }; break;
            }
        }
        foreach (var secret in file.Secrets.Where(secret => file.Env.ContainsKey(secret.Name)))
            _reader.Bad(root, $"{secret.Name} is in env and in secrets", "remove one of them");
        return file;
    }

    private string? Name(Node value)
    {
        if (_reader.String(value, "name") is not { } name) return null;
        if (RunNames.IsName(name)) return name;
        _reader.Bad(value, $"name is {Text.Quoted(name)}", $"use lower-case letters, digits and - (\"{RunNames.FolderStem(name)}\")");
        return null;
    }

    private void Agent(Node value)
    {
        if (value is ScalarNode { Plain: false, Value: "" }) return;
        if (_reader.String(value, "agent") is { } agent)
            _reader.Bad(value, $"the agent {Text.Quoted(agent)} has no preset in this version of Moat", "remove agent and give the command (command: [claude])");
    }

    private void Workspace(Node value)
    {
        foreach (var (_, mode) in _reader.Fields(value, "workspace", ["mode"]))
        {
            if (mode is ScalarNode { Value: "bind" }) continue;
            if (mode is ScalarNode { Value: "volume" }) _reader.Bad(mode, NotYet.Problem("workspace.mode: volume"), NotYet.VolumeWorkspace);
            else _reader.Wrong(mode, "workspace.mode", "bind");
        }
    }

    private string? PolicyPath(Node value)
    {
        if (value is ScalarNode { IsNull: false, Value.Length: > 0 } path) return path.Value;
        _reader.Wrong(value, "policy", "the path of a Cedar policy");
        return null;
    }

    private PolicyMode? Mode(Node value)
    {
        if (value is ScalarNode word && PolicyModes.TryParse(word.Value, out var mode)) return mode;
        _reader.Wrong(value, "policy_mode", PolicyModes.Words);
        return null;
    }

    private void Sandbox(Node value)
    {
        if (value is ScalarNode { Plain: false, Value: "" }) return;
        if (value is ScalarNode { Value: "none" } or ScalarNode { Plain: true, Value: "false" })
            _reader.Bad(value, "a run without a sandbox does not exist", "remove sandbox; a single protection that the host cannot give is named under downgrades");
        else _reader.Wrong(value, "sandbox", "\"\" or no such field");
    }

    private ImmutableArray<string> Command(Node value)
    {
        var words = _reader.Items(value, "command").Select(item => _reader.String(item, "a word of command")).OfType<string>().ToImmutableArray();
        if (value is SequenceNode { Items: [ScalarNode { IsNull: false, Value: "" }, ..] }) _reader.Bad(value, "command starts with an empty word", "start it with a program");
        return words;
    }

    private ImmutableArray<string> Words(Node value, string where, Func<string, bool> good, string expected)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        foreach (var item in _reader.Items(value, where))
        {
            if (item is not ScalarNode { IsNull: false } word) _reader.Wrong(item, "an item of " + where, expected);
            else if (!good(word.Value)) _reader.Bad(item, $"{where}: {Text.Quoted(word.Value)} does not fit", "expected " + expected);
            else if (words.Contains(word.Value)) _reader.Bad(item, $"{where}: {Text.Quoted(word.Value)} is there twice", "remove one of them");
            else words.Add(word.Value);
        }
        return words.ToImmutable();
    }

    private ImmutableSortedDictionary<string, string> Env(Node value)
    {
        var env = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, item) in _reader.Entries(value, "env"))
        {
            if (!EnvText.IsName(key.Value)) _reader.Bad(key, $"{Text.Quoted(key.Value)} is not a variable's name", "use letters, digits and _ (no digit first)");
            else if (_reader.String(item, "env." + Text.Printable(key.Value)) is { } text) env[key.Value] = text;
        }
        return env.ToImmutable();
    }

    private MountRequest? Mount(Node item)
    {
        if (item is MappingNode mapping) return MountObject(mapping);
        if (item is not ScalarNode { IsNull: false } text)
        {
            _reader.Wrong(item, "a mount", "\"source:target[:ro|rw]\" or {source, target, mode, exclude}");
            return null;
        }
        if (MountText.TryParse(text.Value, out var source, out var target, out var readOnly, out var problem))
            return new MountRequest(source, target, readOnly, [], _reader.Origin(item));
        _reader.Bad(item, problem, "expected a mount such as \"./data:/data:ro\"");
        return null;
    }

    private MountRequest? MountObject(MappingNode mapping)
    {
        string? source = null, target = null;
        var readOnly = false;
        var excludes = ImmutableArray<string>.Empty;
        foreach (var (key, value) in _reader.Fields(mapping, "a mount", ["source", "target", "mode", "exclude"]))
        {
            switch (key.Value)
            {
                case "source":
                    source = _reader.String(value, "source");
                    if (source is { Length: 0 }) _reader.Wrong(value, "source", "a path");
                    break;
                case "target":
                    target = _reader.String(value, "target");
                    if (target is not null && !MountText.TryTarget(ref target, out var problem)) _reader.Bad(value, problem, "expected a path such as /data");
                    break;
                case "mode":
                    readOnly = value is ScalarNode { Value: "ro" };
                    if (!readOnly && value is not ScalarNode { Value: "rw" }) _reader.Wrong(value, "mode", "ro or rw");
                    break;
                case "exclude":
                    excludes = Words(value, "exclude", text => MountText.TryExclude(text, out _), "a path below the target such as node_modules");
                    break;
            }
        }
        if (source is null || target is null)
        {
            if (!mapping.Entries.Any(e => e.Key.Value == "source")) _reader.Bad(mapping, "the mount has no source", "add source: a path of the host");
            if (!mapping.Entries.Any(e => e.Key.Value == "target")) _reader.Bad(mapping, "the mount has no target", "add target: a path in the sandbox");
            return null;
        }
        return new MountRequest(source, target, readOnly, [.. excludes.Select(e => MountText.TryExclude(e, out var clean) ? clean : e)], _reader.Origin(mapping));
    }

    private ContainerConfiguration Container(Node value)
    {
        var container = new ContainerConfiguration();
        foreach (var (key, item) in _reader.Fields(value, "container", ["memory", "cpus", "ulimits", "dns"]))
        {
            switch (key.Value)
            {
                case "memory": container = container with { MemoryMiB = _reader.Integer(item, "container.memory (MiB)", 16, 1 << 30) ?? 0 }; break;
                case "cpus": container = container with { Cpus = _reader.Number(item, "container.cpus", 0.01, 4096) ?? 0 }; break;
                case "ulimits": container = container with { Ulimits = Ulimits(item) }; break;
                case "dns": _reader.Bad(key, NotYet.Problem("container.dns"), NotYet.Dns); break;
            }
        }
        return container;
    }

    private ImmutableSortedDictionary<string, UlimitSpec> Ulimits(Node value)
    {
        var limits = ImmutableSortedDictionary.CreateBuilder<string, UlimitSpec>(StringComparer.Ordinal);
        foreach (var (key, item) in _reader.Fields(value, "container.ulimits", s_ulimits))
        {
            var where = "container.ulimits." + key.Value;
            // These two become RunSpec's own limits, which have no "unlimited".
            var own = key.Value is "nofile" or "nproc";
            long? soft = null, hard = null;
            foreach (var (part, number) in _reader.Fields(item, where, ["soft", "hard"]))
            {
                var read = _reader.Integer(number, $"{where}.{part.Value}", own ? 1 : -1, own ? int.MaxValue : long.MaxValue);
                if (part.Value == "soft") soft = read;
                else hard = read;
            }
            if (item is not MappingNode mapping) continue;
            if (!mapping.Entries.Any(e => e.Key.Value == "soft") || !mapping.Entries.Any(e => e.Key.Value == "hard")) _reader.Bad(item, $"{where} needs soft and hard", "write {soft: 1024, hard: 4096}");
            else if (soft is { } s && hard is { } h && (ulong)s > (ulong)h) _reader.Bad(item, $"{where} has a soft limit above the hard one", "lower soft (-1 is unlimited)");
            else if (soft is not null && hard is not null) limits[key.Value] = new UlimitSpec(soft.Value, hard.Value);
        }
        return limits.ToImmutable();
    }
}
