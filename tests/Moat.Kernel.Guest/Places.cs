namespace Moat.Kernel.Guest;

/// <summary>The file systems that the attacks are made on, each with a fresh tree for every attack.</summary>
internal static class Places
{
    public static string PathOf(string place, string phase, string row) => $"/{place}/{phase}/{row}";

    public static void Build(string phase, IReadOnlyCollection<(string Row, string Place)> rows)
    {
        foreach (var place in rows.GroupBy(row => row.Place))
        {
            var target = $"/{place.Key}/{phase}";
            var source = place.Key switch { "tmpfs" => target, "bind" => $"/source/{phase}", "overlay" => $"/layers/{phase}/lower", _ => throw new InvalidOperationException(place.Key) };
            foreach (var (row, _) in place) Tree.Build($"{source}/{row}", $"{target}/{row}");
            Directory.CreateDirectory(target);
            if (place.Key == "bind")
            {
                Commands.Busybox("mount", "--bind", source, target);
            }
            else if (place.Key == "overlay")
            {
                var layers = $"/layers/{phase}";
                Directory.CreateDirectory(layers + "/upper");
                Directory.CreateDirectory(layers + "/work");
                Commands.Busybox("mount", "-t", "overlay", "overlay", "-o", $"lowerdir={source},upperdir={layers}/upper,workdir={layers}/work,redirect_dir=on", target);
            }
        }
    }
}
