using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// Where Moat keeps its files, as absolute paths. <c>MOAT_HOME</c> puts all under one folder; otherwise the XDG base
/// directories decide. <c>~/.moat</c> of the Go tool is none of them and is never written.
/// </summary>
public sealed record MoatDirectories
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The person's home folder, with links resolved where it exists.</summary>
    public required string Home { get; init; }

    /// <summary>Configuration and provider files (<c>~/.config/moat</c>).</summary>
    public required string ConfigDirectory { get; init; }

    /// <summary>Credentials, trust and agents (<c>~/.local/share/moat</c>).</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Runs and caches (<c>~/.local/state/moat</c>).</summary>
    public required string StateDirectory { get; init; }

    public string RunsDirectory => Path.Combine(StateDirectory, "runs");

    public string CacheDirectory => Path.Combine(StateDirectory, "cache");

    /// <summary>The folder of a run, by its whole id; not created.</summary>
    public string RunDirectory(string id) => Path.Combine(RunsDirectory, id);

    /// <summary>The folders of this process' environment; nothing is created.</summary>
    /// <exception cref="MoatException">There is neither a home folder nor <c>MOAT_HOME</c>.</exception>
    public static MoatDirectories FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>The folders that the given environment leads to.</summary>
    /// <exception cref="MoatException">There is neither a home folder nor <c>MOAT_HOME</c>.</exception>
    public static MoatDirectories From(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var home = environment("HOME");
        if (string.IsNullOrEmpty(home)) home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var all = environment("MOAT_HOME");
        if (string.IsNullOrEmpty(home) && string.IsNullOrEmpty(all))
            throw new MoatException("there is no home folder", "set HOME, or MOAT_HOME to the folder that Moat is to use");
        home = string.IsNullOrEmpty(home) ? "/" : Path.GetFullPath(home);
        if (!string.IsNullOrEmpty(all))
        {
            var root = Path.GetFullPath(all);
            return new MoatDirectories
            {
                Home = home,
                ConfigDirectory = Path.Combine(root, "config"),
                DataDirectory = Path.Combine(root, "data"),
                StateDirectory = Path.Combine(root, "state"),
            };
        }
        return new MoatDirectories
        {
            Home = home,
            ConfigDirectory = Base("XDG_CONFIG_HOME", ".config"),
            DataDirectory = Base("XDG_DATA_HOME", ".local/share"),
            StateDirectory = Base("XDG_STATE_HOME", ".local/state"),
        };

        // The XDG specification: a relative path in one of its variables is to be ignored.
        string Base(string variable, string fallback)
            => environment(variable) is { } path && Path.IsPathRooted(path)
                ? Path.Combine(Path.GetFullPath(path), "moat")
                : Path.Combine(home, fallback, "moat");
    }

    /// <summary>Creates the folders where they are missing, with mode 0700.</summary>
    /// <exception cref="MoatException">A folder cannot be created.</exception>
    public void Create()
    {
        foreach (var folder in (string[])[ConfigDirectory, DataDirectory, StateDirectory, RunsDirectory, CacheDirectory]) CreatePrivate(folder);
    }

    /// <summary>Creates a folder and its missing parents with mode 0700; one that exists keeps its mode.</summary>
    /// <exception cref="MoatException">The folder cannot be created.</exception>
    public static void CreatePrivate(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder, Private);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"the folder {folder} cannot be created: {ex.Message}", "make its parent writable, or set MOAT_HOME to another folder", inner: ex);
        }
    }

    /// <summary>The folders no sandbox may see.</summary>
    internal IEnumerable<string> Own => [ConfigDirectory, DataDirectory, StateDirectory];
}
