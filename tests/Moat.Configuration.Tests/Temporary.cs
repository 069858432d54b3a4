using System.Text;
using Moat.Spec;

namespace Moat.Configuration.Tests;

/// <summary>A folder of a test, with a home, Moat's folders and a workspace in it; gone afterwards.</summary>
public sealed class Temporary : IDisposable
{
    public Temporary()
    {
        Root = Directory.CreateTempSubdirectory("moat-configuration-").FullName;
        Directory.CreateDirectory(Home);
        Directory.CreateDirectory(Workspace);
        Directories = MoatDirectories.From(name => name == "HOME" ? Home : null);
    }

    public string Root { get; }

    public string Home => Path.Combine(Root, "home");

    public string Workspace => Path.Combine(Root, "work space");

    public MoatDirectories Directories { get; }

    public string Write(string path, string text)
    {
        var full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    public LoadedConfiguration Load(string yaml, string name = "moat.yaml")
    {
        Write("work space/" + name, yaml);
        return ConfigurationLoader.Load(Workspace) ?? throw new InvalidOperationException("no file was found");
    }

    public RunSpec Build(RunRequest request, LoadedConfiguration? file = null)
        => new RunSpecBuilder(Directories).Build(request with { WorkspacePath = Workspace, Command = request.Command.IsEmpty && file?.Configuration.Command is not { Length: > 0 } ? ["true"] : request.Command }, file, [], []);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public static ConfigurationResult Parse(string yaml) => ConfigurationLoader.Parse("moat.yaml", Encoding.UTF8.GetBytes(yaml));

    public static MoatConfiguration Good(string yaml)
    {
        var result = Parse(yaml);
        Assert.Empty(result.Errors.Select(e => e.ToString()));
        return result.Configuration!;
    }
}
