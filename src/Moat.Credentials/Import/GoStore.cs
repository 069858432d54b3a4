using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The credentials of a majorcontext/moat installation: <c>credentials/NAME.enc</c> (and <c>profiles/PROFILE/</c> below it),
/// each a 12-byte nonce, AES-256-GCM ciphertext and its 16-byte tag over a JSON object. The key is base64 in the keyring,
/// or in <c>encryption.key</c>. A locked keyring makes that tool write a second key in silence, so every key there is is tried.
/// </summary>
internal sealed class GoStore : IDisposable
{
    private const string Extension = ".enc";
    private const int NonceLength = 12, TagLength = 16, KeyLength = 32;
    private readonly string _folder;
    private readonly List<Secret> _keys = [];

    private GoStore(string folder) => _folder = folder;

    /// <exception cref="MoatException">There is no such installation, its key is nowhere, or its files are open to others.</exception>
    internal static GoStore Open(string folder, string searchPath)
    {
        var store = new GoStore(Path.Combine(folder, "credentials"));
        if (!Directory.Exists(store._folder)) throw new MoatException($"{folder} holds no credentials", "name the folder of the other installation: moat import moat --from FOLDER");
        try
        {
            if (SecretTool.Find(searchPath) is { } keyring && keyring.Lookup(["service", "moat", "username", "encryption-key"]) is { } key) store._keys.Add(key);
            if (PrivateFiles.Read(Path.Combine(folder, "encryption.key")) is { } file) store._keys.Add(Decode(file.Bytes, Path.Combine(folder, "encryption.key")));
            return store._keys.Count > 0 ? store
                : throw new MoatException($"the key of {folder} is neither in the keyring nor in encryption.key", "unlock the keyring, or grant anew: moat grant NAME");
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Every file with the profile that it is of, empty for the default one; sorted.</summary>
    internal IEnumerable<(string Profile, string Path)> Files()
    {
        foreach (var path in Directory.EnumerateFiles(_folder, "*" + Extension).Order(StringComparer.Ordinal)) yield return ("", path);
        var profiles = Path.Combine(_folder, "profiles");
        if (!Directory.Exists(profiles)) yield break;
        foreach (var folder in Directory.EnumerateDirectories(profiles).Order(StringComparer.Ordinal))
            foreach (var path in Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal))
                yield return (Path.GetFileName(folder), path);
    }

    /// <summary>What a file holds; the caller disposes its token.</summary>
    /// <exception cref="MoatException">No key opens it, or it is no credential.</exception>
    internal GoCredential Read(string path)
    {
        var file = PrivateFiles.Read(path) ?? throw new MoatException($"{path} is gone", "try again");
        var bytes = file.Bytes;
        if (bytes.Length > NonceLength + TagLength)
        {
            var plain = GC.AllocateUninitializedArray<byte>(bytes.Length - NonceLength - TagLength, pinned: true);
            try
            {
                foreach (var key in _keys)
                {
                    if (!TryOpen(key, bytes, plain)) continue;
                    // The name in the file is not authenticated; what the file says itself is.
                    return JsonSerializer.Deserialize(plain, GoCredentialContext.Default.GoCredential) is { Token: not null, Provider.Length: > 0 } credential ? credential : throw new JsonException();
                }
            }
            catch (JsonException)
            {
                throw new MoatException($"{path} holds no credential", "grant it anew");
            }
            finally
            {
                CryptographicOperations.ZeroMemory(plain);
            }
        }
        throw new MoatException($"{path} opens with no key of that installation", "grant it anew");
    }

    public void Dispose()
    {
        foreach (var key in _keys) key.Dispose();
    }

    private static bool TryOpen(Secret key, ReadOnlySpan<byte> file, Span<byte> plain)
    {
        try
        {
            using var aes = new AesGcm(key.Reveal(), TagLength);
            aes.Decrypt(file[..NonceLength], file[NonceLength..^TagLength], file[^TagLength..], plain);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private static Secret Decode(byte[] text, string path)
    {
        var key = GC.AllocateUninitializedArray<byte>(KeyLength + 3, pinned: true);
        try
        {
            if (System.Buffers.Text.Base64.DecodeFromUtf8(text.AsSpan().Trim(" \t\r\n"u8), key, out _, out var length) == System.Buffers.OperationStatus.Done && length == KeyLength) return Secret.Copy(key.AsSpan(0, length));
            throw new MoatException($"{path} is no key", "grant anew: moat grant NAME");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(text);
        }
    }
}

/// <summary>A credential as that tool stores it. A time it does not know is the year 1.</summary>
internal sealed record GoCredential(string Provider, Secret Token, ImmutableArray<string>? Scopes, DateTimeOffset? ExpiresAt, Dictionary<string, string>? Metadata);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(SecretConverter)])]
[JsonSerializable(typeof(GoCredential))]
internal sealed partial class GoCredentialContext : JsonSerializerContext;
