using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// Reads a secret of the host from where a person keeps it: <c>env://NAME</c>, <c>file:///path</c>, <c>cmd://command</c> (by
/// the shell), <c>op://vault/item/field</c> (1Password's CLI), <c>ssm:///parameter</c> and <c>ssm://REGION/parameter</c>
/// (AWS's CLI). The last line break is not part of it.
/// </summary>
public sealed class SecretSources
{
    private const int MaxFile = 64 * 1024;
    private readonly GrantSources _programs;

    /// <param name="environment">Null: this process' environment.</param>
    public SecretSources(Func<string, string?>? environment = null) => _programs = new GrantSources(environment ?? Environment.GetEnvironmentVariable);

    /// <exception cref="MoatException">The source has nothing. The text holds no secret.</exception>
    public async Task<Secret> ReadAsync(SecretSpec secret, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var end = secret.Source.IndexOf("://", StringComparison.Ordinal);
        var rest = end < 0 ? "" : secret.Source[(end + 3)..];
        return secret.Source[..Math.Max(end, 0)] switch
        {
            "env" => _programs.Variable(rest) is { } value ? Secret.FromText(value) : throw Missing(secret, $"this shell has no variable {rest}", $"set {rest}"),
            "file" => await FileAsync(secret, rest, ct).ConfigureAwait(false),
            "cmd" => await RunAsync(secret, ["sh", "-c", rest], ct).ConfigureAwait(false),
            "op" => await RunAsync(secret, ["op", "read", "--no-newline", secret.Source], ct).ConfigureAwait(false),
            "ssm" => await RunAsync(secret, Parameter(secret, rest), ct).ConfigureAwait(false),
            _ => throw Missing(secret, "its source is none that Moat knows", "use env://, file://, cmd://, op:// or ssm://"),
        };
    }

    private static string[] Parameter(SecretSpec secret, string rest)
    {
        // ssm:///name has no region, ssm://eu-west-1/name has one; a parameter's name begins with the slash.
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || slash == rest.Length - 1) throw Missing(secret, "its source names no parameter", "write ssm:///name or ssm://REGION/name");
        string[] command = ["aws", "ssm", "get-parameter", "--with-decryption", "--query", "Parameter.Value", "--output", "text", "--name", rest[slash..]];
        return slash == 0 ? command : [.. command, "--region", rest[..slash]];
    }

    private static async Task<Secret> FileAsync(SecretSpec secret, string path, CancellationToken ct)
    {
        if (!Path.IsPathRooted(path)) throw Missing(secret, "its file is not named by an absolute path", "write file:///path");
        byte[] bytes = [];
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: <= MaxFile }) throw Missing(secret, $"{path} is no file of at most {MaxFile / 1024} KiB", "name a file that holds the secret alone");
            bytes = await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
            return Checked(secret, bytes);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw Missing(secret, $"{path} cannot be read", "let its owner read it");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private async Task<Secret> RunAsync(SecretSpec secret, string[] command, CancellationToken ct)
    {
        using var printed = await _programs.RunAsync(command, ct).ConfigureAwait(false)
            ?? throw Missing(secret, $"{command[0]} printed nothing, failed, or is not installed", $"run by hand what {secret.Source.Split(':')[0]}:// stands for, to see why");
        return Checked(secret, printed.Reveal());
    }

    private static Secret Checked(SecretSpec secret, ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.TrimEnd("\r\n"u8);
        return bytes.Length > 0 ? Secret.Copy(bytes) : throw Missing(secret, "its source is empty", "put the secret there");
    }

    private static MoatException Missing(SecretSpec secret, string problem, string mend) => new($"the secret {secret.Name}: {problem}", mend);
}
