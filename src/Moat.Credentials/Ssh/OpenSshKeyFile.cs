using System.Buffers.Text;
using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials.Ssh;

/// <summary>
/// Takes the content out of a private key file of OpenSSH (PROTOCOL.key, <c>openssh-key-v1</c>). One that is encrypted is
/// not opened here: ssh-agent asks for its passphrase better.
/// </summary>
internal static class OpenSshKeyFile
{
    private const int MaxFile = 64 * 1024;

    private static ReadOnlySpan<byte> Begin => "-----BEGIN OPENSSH PRIVATE KEY-----"u8;

    private static ReadOnlySpan<byte> End => "-----END OPENSSH PRIVATE KEY-----"u8;

    private static ReadOnlySpan<byte> Magic => "openssh-key-v1\0"u8;

    /// <summary>The key of a file: public, and the file's private section, which <see cref="SshPrivateKey"/> reads.</summary>
    /// <exception cref="MoatException">The file cannot be read, is no such key, or is encrypted. No text holds what is in it.</exception>
    public static (SshPublicKey Public, Secret Section) Read(string path)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(MaxFile, pinned: true);
        try
        {
            using var file = File.OpenRead(path);
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return Parse(buffer.AsSpan(0, length), path);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"{GrantNames.Printable(path)} cannot be read: {ex.GetType().Name}", "name a private key file, or a key of your ssh-agent by its fingerprint");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    internal static (SshPublicKey Public, Secret Section) Parse(ReadOnlySpan<byte> pem, string path)
    {
        var begin = pem.IndexOf(Begin);
        var end = pem.IndexOf(End);
        if (begin < 0 || end < begin)
            throw Bad(path, "is no private key in OpenSSH's format", $"rewrite it with: ssh-keygen -p -f {GrantNames.Printable(path)}");
        var text = pem[(begin + Begin.Length)..end];
        var binary = GC.AllocateUninitializedArray<byte>(text.Length, pinned: true);
        try
        {
            return Base64.DecodeFromUtf8(text, binary, out _, out var length) == System.Buffers.OperationStatus.Done
                ? Open(binary.AsSpan(0, length), path)
                : throw Broken(path);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(binary);
        }
    }

    private static (SshPublicKey, Secret) Open(ReadOnlySpan<byte> content, string path)
    {
        if (!content.StartsWith(Magic)) throw Broken(path);
        var reader = new SshReader(content[Magic.Length..]);
        var (cipher, derivation) = (reader.Text(), reader.Text());
        _ = reader.String();
        var count = reader.UInt32();
        var blob = reader.String();
        var section = reader.String();
        if (!reader.IsAtEnd || count != 1) throw Broken(path);
        if (cipher != "none" || derivation != "none")
            throw Bad(path, "is encrypted with a passphrase", $"ssh-add {GrantNames.Printable(path)}, then grant again without --key or with the key's fingerprint: the key is used through your ssh-agent");
        var publicKey = SshPublicKey.Read(blob) ?? throw Bad(path, "is of a kind that is not used here", "use an Ed25519, ECDSA or RSA key of at least 2048 bits");
        var secret = Secret.Copy(section);
        try
        {
            if (!SshPrivateKey.Fits(secret, publicKey)) throw Broken(path);
            return (publicKey, secret);
        }
        catch
        {
            secret.Dispose();
            throw;
        }
    }

    private static MoatException Broken(string path) => Bad(path, "is damaged", "name a whole private key file");

    private static MoatException Bad(string path, string problem, string mend) => new($"{GrantNames.Printable(path)} {problem}", mend);
}
