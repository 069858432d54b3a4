using System.Diagnostics;
using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The system keyring through libsecret's <c>secret-tool</c>. The key travels over the program's standard input and
/// output, never in an argument. Exit 1 with nothing on standard error is "no such item".
/// </summary>
internal sealed class SecretTool
{
    // Long enough for a person to type the keyring's password.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private const int MaxOutput = 4096;

    // How libsecret and GIO say that this machine has no keyring at all, as opposed to one that refuses.
    private static readonly string[] s_absent =
    [
        "Cannot autolaunch D-Bus", "org.freedesktop.DBus.Error.ServiceUnknown", "was not provided by any .service files",
        "Could not connect", "Cannot spawn a message bus", "Failed to execute child process",
    ];

    private readonly string _program;

    private SecretTool(string program) => _program = program;

    internal static SecretTool? Find(string searchPath) => Programs.Find("secret-tool", searchPath) is { } program ? new SecretTool(program) : null;

    /// <summary>Stores the key; false when this machine has no keyring service.</summary>
    /// <exception cref="MoatException">There is a keyring and it refused.</exception>
    internal bool TryStore(string vault, Secret key)
    {
        var text = GC.AllocateUninitializedArray<byte>(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(key.Length), pinned: true);
        System.Buffers.Text.Base64.EncodeToUtf8(key.Reveal(), text, out _, out var length);
        try
        {
            var (exit, output, error) = Run(["store", "--label=Moat vault key", "service", "moat", "vault", vault], text.AsSpan(0, length));
            CryptographicOperations.ZeroMemory(output);
            if (exit == 0) return true;
            return Array.Exists(s_absent, phrase => error.Contains(phrase, StringComparison.Ordinal)) ? false : throw Refused(exit, error);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>The key; null when the keyring has none.</summary>
    /// <exception cref="MoatException">The keyring is locked, denied or gone.</exception>
    internal Secret? Lookup(string vault) => Lookup(["service", "moat", "vault", vault]);

    /// <summary>A key by the attributes of its item.</summary>
    /// <inheritdoc cref="Lookup(string)"/>
    internal Secret? Lookup(string[] attributes)
    {
        var (exit, output, error) = Run(["lookup", .. attributes], []);
        var key = GC.AllocateUninitializedArray<byte>(MaxOutput, pinned: true);
        try
        {
            if (exit == 1 && output.Length == 0 && error.Length == 0) return null;
            if (exit != 0) throw Refused(exit, error);
            var text = output.AsSpan().TrimEnd("\r\n"u8);
            if (System.Buffers.Text.Base64.DecodeFromUtf8(text, key, out _, out var length) != System.Buffers.OperationStatus.Done || length != 32)
                throw new MoatException("what the system keyring holds for the vault is not a key", "see `secret-tool search service moat`");
            return Secret.Copy(key.AsSpan(0, length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(output);
        }
    }

    private (int Exit, byte[] Output, string Error) Run(string[] arguments, ReadOnlySpan<byte> input)
    {
        using var process = Process.Start(new ProcessStartInfo(_program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new MoatException($"{_program} does not start", "run it by hand to see why");
        using var timeout = new CancellationTokenSource(s_patience);
        using var killer = timeout.Token.Register(process.Kill);
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code and its words say why.
        }
        var buffer = GC.AllocateUninitializedArray<byte>(MaxOutput, pinned: true);
        var length = process.StandardOutput.BaseStream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        process.WaitForExit();
        var output = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        buffer.AsSpan(0, length).CopyTo(output);
        CryptographicOperations.ZeroMemory(buffer);
        if (timeout.IsCancellationRequested) throw new MoatException($"the system keyring did not answer within {s_patience.TotalMinutes:0} minutes", "unlock the keyring and try again");
        return (process.ExitCode, output, error.GetAwaiter().GetResult().Trim());
    }

    private static MoatException Refused(int exit, string error)
        => new($"the system keyring refused: {(error.Length > 0 ? GrantNames.Printable(error) : $"secret-tool exited with {exit}")}",
            "unlock the keyring and try again; for a new vault, MOAT_KEYRING_BACKEND=file keeps the key in a 0600 file instead");
}
