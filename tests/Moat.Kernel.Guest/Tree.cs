namespace Moat.Kernel.Guest;

/// <summary>What one attack finds before it, and the rules on it.</summary>
internal static class Tree
{
    private const KernelActions Change = KernelActions.Write | KernelActions.Create | KernelActions.Delete | KernelActions.Rename | KernelActions.Link | KernelActions.Metadata;

    private const KernelActions Code = KernelActions.Execute | KernelActions.Map;

    private static readonly string Long = string.Join('/', Enumerable.Repeat(new string('l', 100), 4)) + "/key";

    /// <param name="source">Where to build it.</param>
    /// <param name="path">Where the attack will find it.</param>
    public static void Build(string source, string path)
    {
        foreach (var directory in new[] { "open/mnt", "secret/deep/er", "ro/empty", "future", "bin", Path.GetDirectoryName(Long)! }) Directory.CreateDirectory(Path.Combine(source, directory));
        foreach (var file in new[] { "open/free", "secret/key", "secret/deep/er/x", "one", "one-sibling", "ro/file", Long }) File.WriteAllText(Path.Combine(source, file), "content");
        foreach (var program in new[] { "bin/good", "bin/evil" }) File.Copy("/good", Path.Combine(source, program));
        Script(source, "bin/script", path + "/bin/evil");
        Script(source, "open/script", path + "/bin/good");
        Commands.Busybox("ln", Path.Combine(source, "one"), Path.Combine(source, "open/alias"));
    }

    public static IEnumerable<KernelFileRule> Rules(string path, bool programs)
    {
        yield return new(path + "/secret", true, KernelActions.All, false);
        yield return new(path + "/one", false, KernelActions.All, false);
        yield return new(path + "/ro", true, Change, false);
        yield return new(path + "/future/plan", false, KernelActions.All, false);
        yield return new(path + "/far/off/plan", false, KernelActions.All, false);
        yield return new(path + "/" + Long, false, KernelActions.All, false);
        if (!programs) yield break;
        yield return new(path, true, Code, false);
        yield return new(path + "/bin/good", false, Code, true);
        yield return new(path + "/bin/good", false, Change, false);
        yield return new(path + "/bin/later", false, Code, true);
        yield return new(path + "/bin/script", false, Code, true);
    }

    private static void Script(string source, string name, string interpreter)
    {
        var path = Path.Combine(source, name);
        File.WriteAllText(path, "#!" + interpreter + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }
}
