using System.Text;
using Moat.Credentials;
using Moat.Sandboxes;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>The files in which clients look for a credential, with the placeholders of the run's grants.</summary>
internal static class GrantFiles
{
    /// <exception cref="MoatException">Two grants would write the same file.</exception>
    public static IEnumerable<SandboxFile> Of(IReadOnlyList<UnlockedGrant> grants)
    {
        var writers = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new List<SandboxFile>();
        foreach (var grant in grants)
            foreach (var file in grant.Files)
            {
                if (!writers.TryAdd(file.Path, grant.Name))
                    throw new MoatException($"the grants {writers[file.Path]} and {grant.Name} both write ~/{file.Path}", "use one of the two in a run");
                files.Add(new SandboxFile($"{AgentEnvironment.Home}/{file.Path}", Encoding.UTF8.GetBytes(file.Text), 0b110_100_100));
            }

        return files;
    }
}
