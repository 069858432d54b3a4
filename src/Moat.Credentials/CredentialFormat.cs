using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials;

/// <summary>
/// The bytes of a <c>.cred</c> file: <c>MOATCRED</c>, version 1, a 12-byte nonce, a 16-byte tag, and the JSON payload
/// under AES-256-GCM. Version, provider and profile are the associated data, so a file that was moved to another
/// provider's or profile's place does not open.
/// </summary>
internal static class CredentialFormat
{
    private const byte Version = 1;
    private const int NonceLength = 12, TagLength = 16;
    private static ReadOnlySpan<byte> Magic => "MOATCRED"u8;
    private static int HeaderLength => Magic.Length + 1 + NonceLength + TagLength;

    internal static byte[] Seal(Secret key, StoredCredential credential, string profile)
    {
        // Escapes make the token at most six times longer. A buffer that never grows leaves no copy behind.
        var metadata = credential.Metadata.Sum(pair => pair.Key.Length + pair.Value.Length) + credential.Scopes.Concat(credential.Allow).Sum(text => text.Length + 1)
            + credential.Bindings.Sum(binding => binding.Host.Length + binding.Name.Length + binding.Argument.Length + binding.Path.Length + binding.Part.Length + 100);
        metadata += credential.Trust.Sum(trust => trust.Host.Length + trust.Pem.Length + 50);
        metadata += credential.Captures.Sum(capture => capture.Host.Length + capture.Path.Length + capture.Hosts.Sum(host => host.Length + 1) + 100);
        metadata += (credential.Revoked?.Length ?? 0) + (credential.Refresh is { } refresh ? refresh.TokenUrl.Length + refresh.ClientId.Length + refresh.FallbackUrl.Length + refresh.Resource.Length + refresh.Scope.Length + refresh.KeyId.Length + refresh.Command.Sum(word => word.Length + 1) + refresh.Variables.Sum(pair => pair.Key.Length + pair.Value.Length) : 0);
        var secrets = credential.Token.Length + credential.Parts.Sum(part => part.Key.Length + part.Value.Length + 1);
        var plain = new PinnedWriter((secrets + metadata + credential.Provider.Length) * 6 + 4096);
        try
        {
            using (var writer = new Utf8JsonWriter(plain))
                JsonSerializer.Serialize(writer, credential, StoredCredentialContext.Default.StoredCredential);
            var file = new byte[HeaderLength + plain.Written.Length];
            Magic.CopyTo(file);
            file[Magic.Length] = Version;
            var nonce = file.AsSpan(Magic.Length + 1, NonceLength);
            RandomNumberGenerator.Fill(nonce);
            using var aes = new AesGcm(key.Reveal(), TagLength);
            aes.Encrypt(nonce, plain.Written, file.AsSpan(HeaderLength), file.AsSpan(HeaderLength - TagLength, TagLength), AssociatedData(credential.Provider, profile));
            return file;
        }
        finally
        {
            plain.Clear();
        }
    }

    /// <exception cref="CryptographicException">The file is not what was sealed for this provider and profile with this key.</exception>
    internal static StoredCredential Open(Secret key, ReadOnlySpan<byte> file, string provider, string profile)
    {
        if (file.Length <= HeaderLength || !file.StartsWith(Magic) || file[Magic.Length] != Version) throw new CryptographicException("the header is not a credential's");
        var plain = GC.AllocateUninitializedArray<byte>(file.Length - HeaderLength, pinned: true);
        try
        {
            using var aes = new AesGcm(key.Reveal(), TagLength);
            aes.Decrypt(file.Slice(Magic.Length + 1, NonceLength), file[HeaderLength..], file.Slice(HeaderLength - TagLength, TagLength), plain, AssociatedData(provider, profile));
            var credential = JsonSerializer.Deserialize(plain, StoredCredentialContext.Default.StoredCredential);
            return credential?.Provider == provider ? credential : throw new CryptographicException("the payload is another provider's");
        }
        catch (JsonException)
        {
            // Not as an inner exception: a parser may quote what it read.
            throw new CryptographicException("the payload is not a credential");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    // NUL cannot be in a name, so no two triples give the same bytes.
    internal static byte[] AssociatedData(string provider, string profile) => Encoding.UTF8.GetBytes($"moat-credential\0{Version}\0{provider}\0{profile}");

    private sealed class PinnedWriter(int capacity) : IBufferWriter<byte>
    {
        private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(capacity, pinned: true);
        private int _written;

        internal ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _written);

        public void Advance(int count) => _written += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
            => _buffer.Length - _written >= Math.Max(sizeHint, 1) ? _buffer.AsMemory(_written) : throw new InvalidOperationException("the credential is larger than its bound");

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        internal void Clear() => CryptographicOperations.ZeroMemory(_buffer);
    }
}
