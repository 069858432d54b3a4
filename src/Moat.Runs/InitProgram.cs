using Moat.Spec;

namespace Moat.Runs;

/// <summary>Finds <c>moat-init</c>, the first process of every sandbox.</summary>
public static class InitProgram
{
    /// <exception cref="MoatException">It is missing.</exception>
    public static string Find()
    {
        var path = Environment.GetEnvironmentVariable("MOAT_INIT") is { Length: > 0 } named ? named : Path.Combine(AppContext.BaseDirectory, "moat-init");
        return File.Exists(path) ? Path.GetFullPath(path)
            : throw new MoatException($"moat-init is missing at {path}", "install moat and moat-init into the same folder, or set MOAT_INIT to its path");
    }
}
