using System.Diagnostics;
using System.Globalization;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>The published binary under test and the two users that it is tested as.</summary>
internal static class Binary
{
    /// <summary>An ordinary user of its own number: it owns nothing and is in no group.</summary>
    private const int OrdinaryUid = 61234;

    private static readonly Lazy<string> Folder = new(Prepare);

    public static string Path => System.IO.Path.Combine(Folder.Value, "moat");

    public static bool IsRoot => Environment.UserName == "root";

    /// <summary>The users that a test of a protection runs as: the caller, and as root also an ordinary user.</summary>
    public static TheoryData<string> Users() => IsRoot ? ["root", "ordinary"] : ["self"];

    /// <summary>Gives a path to the user, who then owns it.</summary>
    public static void GiveTo(string user, string path)
    {
        if (user != "ordinary") return;
        using var chown = Process.Start("chown", ["-R", $"{OrdinaryUid}:{OrdinaryUid}", path]);
        chown.WaitForExit();
    }

    public static ProcessStartInfo StartInfo(string user, IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (user == "ordinary")
        {
            info.FileName = "setpriv";
            var id = OrdinaryUid.ToString(CultureInfo.InvariantCulture);
            foreach (var word in (string[])["--reuid", id, "--regid", id, "--clear-groups", Path]) info.ArgumentList.Add(word);
        }
        else
        {
            info.FileName = Path;
        }

        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        return info;
    }

    /// <summary>A copy that every user may read and run, wherever the checkout stands.</summary>
    private static string Prepare()
    {
        var source = Environment.GetEnvironmentVariable("MOAT_BIN") ?? FindBuilt();
        var folder = Directory.CreateTempSubdirectory("moat-e2e-bin-").FullName;
        foreach (var file in Directory.GetFiles(System.IO.Path.GetDirectoryName(source)!))
        {
            var copy = System.IO.Path.Combine(folder, System.IO.Path.GetFileName(file));
            File.Copy(file, copy);
            File.SetUnixFileMode(copy, (UnixFileMode)0b111_101_101);
        }

        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static string FindBuilt()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = System.IO.Path.Combine(at.FullName, "artifacts", "moat", "moat");
            if (File.Exists(candidate)) return candidate;
        }

        throw new InvalidOperationException("no published binary: run ./moat once, or set MOAT_BIN");
    }
}
