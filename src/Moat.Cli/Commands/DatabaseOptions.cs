using System.CommandLine;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Cli.Commands;

/// <summary>What <c>moat grant</c> is told of a database.</summary>
internal static class DatabaseOptions
{
    private static readonly Option<int?> s_port = new("--port") { Description = "Its port, when it is not the usual one", HelpName = "PORT" };
    private static readonly Option<string?> s_user = new("--user") { Description = "Who logs in there, whatever user the client names", HelpName = "NAME" };
    private static readonly Option<string?> s_database = new("--database") { Description = "The database that sessions are for", HelpName = "NAME" };
    private static readonly Option<string?> s_sslMode = new("--sslmode") { Description = "verify-full (usual), or disable", HelpName = "MODE" };
    private static readonly Option<string?> s_ca = new("--ca") { Description = "PEM file of the server's authority, when the machine does not know it", HelpName = "FILE" };

    public static void AddTo(Command command)
    {
        foreach (var option in (Option[])[s_port, s_user, s_database, s_sslMode, s_ca]) command.Options.Add(option);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="host">The server; null: the name says it.</param>
    /// <exception cref="MoatException">The file of certificates cannot be read.</exception>
    public static DatabaseRequest Of(ParseResult parsed, string? host) => new()
    {
        Host = host,
        Port = parsed.GetValue(s_port),
        User = parsed.GetValue(s_user),
        Database = parsed.GetValue(s_database),
        SslMode = parsed.GetValue(s_sslMode),
        CaPem = parsed.GetValue(s_ca) is { } path ? Read(path) : null,
    };

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"the file of --ca cannot be read: {e.Message}", "give a file with PEM certificates");
        }
    }
}
