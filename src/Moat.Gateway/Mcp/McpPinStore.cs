using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Gateway.Mcp;

/// <summary>
/// The descriptions of MCP tools as they were first seen, one file a server, for all runs. Any number of processes use it
/// at a time: each change is made under the folder's lock and replaces the file.
/// </summary>
/// <param name="folder">Made when something is stored.</param>
public sealed class McpPinStore(string folder)
{
    /// <summary>Tools of one server; those beyond are not pinned, and their calls are denied.</summary>
    public const int MaxTools = 4096;

    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode700 = FileMode600 | UnixFileMode.UserExecute;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What is stored, by server.</summary>
    /// <exception cref="MoatException">A file is damaged.</exception>
    public IReadOnlyList<McpServerPins> All() => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder, "*.json").Select(Load).OfType<McpServerPins>().OrderBy(static pins => pins.Server, StringComparer.Ordinal)];

    /// <summary>The pins of one server; null where none are stored.</summary>
    /// <exception cref="MoatException">The file is damaged.</exception>
    public McpServerPins? Find(string server) => Load(PathOf(server));

    /// <summary>Approves what a server says of its tools now.</summary>
    /// <param name="tool">One tool; null for all.</param>
    /// <returns>The tools whose calls were denied until now.</returns>
    /// <exception cref="MoatException">No such server or tool is known.</exception>
    public IReadOnlyList<string> Approve(string server, string? tool)
    {
        var approved = new List<string>();
        Change(server, pins =>
        {
            if (pins.Tools.Count == 0)
                throw new MoatException($"no MCP server {Printable(server)} was seen", "moat mcp pins lists those that were");
            if (tool is not null && !pins.Tools.Any(pin => pin.Tool == tool))
                throw new MoatException($"the MCP server {Printable(server)} has no tool {Printable(tool)}", "moat mcp pins lists those that were seen");
            return pins with
            {
                Tools = [.. pins.Tools.Select(pin =>
                {
                    if (pin.Holds || (tool is not null && pin.Tool != tool))
                        return pin;
                    approved.Add(pin.Tool);
                    return pin with { Approved = [.. pin.Approved, pin.Latest] };
                })],
            };
        });
        return approved;
    }

    /// <summary>Notes what a server said of its tools.</summary>
    /// <returns>The server's pins after that, and the tools whose description became another just now.</returns>
    internal (McpServerPins Pins, IReadOnlyList<McpPin> Changed) See(string server, IEnumerable<McpListedTool> listed, DateTimeOffset now)
    {
        var changed = new List<McpPin>();
        var result = Change(server, pins => pins.With(listed, now, changed));
        return (result, changed);
    }

    private McpServerPins Change(string server, Func<McpServerPins, McpServerPins> change)
    {
        Directory.CreateDirectory(folder, FolderMode700);
        using var taken = Lock();
        var path = PathOf(server);
        var before = Load(path) ?? new McpServerPins(server, []);
        var after = change(before);
        if (ReferenceEquals(before, after))
            return after;
        var fresh = path + ".new";
        using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = FileMode600 }))
        {
            JsonSerializer.Serialize(file, after, McpPinsJson.Default.McpServerPins);
            file.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
        return after;
    }

    private FileStream Lock()
    {
        var end = DateTime.UtcNow + Patience;
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "lock"), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = FileMode600 });
            }
            catch (IOException) when (DateTime.UtcNow < end)
            {
                Thread.Sleep(5);
            }
        }
    }

    private static McpServerPins? Load(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, McpPinsJson.Default.McpServerPins);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new MoatException($"the pins of MCP tools in {path} are damaged", $"remove the file; what the server says next is pinned anew: rm {path}", inner: e);
        }
    }

    // Hosts are canonical names, so they are names of files; a port's colon and an address' are not everywhere.
    private string PathOf(string server) => Path.Combine(folder, server.Length <= 100 && server.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
        ? server + ".json"
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(server))) + ".json");

    private static string Printable(string text) => string.Concat(text.Select(static c => char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? '?' : c));
}
