using Moat.Spec;

namespace Moat.Credentials.Tests;

/// <summary>A script speaks secret-tool's command line; its file <c>mode</c> says how the keyring behaves.</summary>
public sealed class KeyringTests : IDisposable
{
    private const string Script = """
        #!/bin/bash
        here=$(dirname "$0")
        printf '%s\n' "$*" >> "$here/argv"
        case "$(cat "$here/mode" 2>/dev/null)" in
          locked) echo "secret-tool: Cannot get secret of a locked object" >&2; exit 1;;
          absent) echo "secret-tool: The name org.freedesktop.secrets was not provided by any .service files" >&2; exit 1;;
          forgetful) [ "$1" = store ] && { cat > /dev/null; exit 0; };;
        esac
        op=$1; shift
        [[ "${1:-}" == --label=* ]] && shift
        item="$here/item-$(printf '%s' "$*" | tr ' /' '__')"
        case $op in
          store) cat > "$item";;
          lookup) [ -e "$item" ] || exit 1; cat "$item";;
          *) exit 2;;
        esac
        """;

    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly TestFolder _folder = new();
    private readonly TestFolder _bin = new();
    private readonly VaultOptions _options;

    public KeyringTests()
    {
        _bin.Write("secret-tool", Script, Executable);
        _options = new VaultOptions { SearchPath = $"{_bin.Path}:/usr/bin:/bin" };
    }

    public void Dispose()
    {
        _folder.Dispose();
        _bin.Dispose();
    }

    [Fact]
    public void The_key_lives_in_the_keyring_and_never_in_an_argument_or_a_file_of_the_vault()
    {
        var token = Put();
        using var vault = _folder.Vault("", _options);
        using (var credential = vault.Get("github")) Assert.Equal(token, TestFolder.Text(credential!.Token));
        Assert.False(File.Exists(_folder.File("encryption.key")));
        var key = File.ReadAllText(Directory.GetFiles(_bin.Path, "item-*").Single());
        Assert.Equal(32, Convert.FromBase64String(key).Length);
        Assert.DoesNotContain(key, File.ReadAllText(_bin.File("argv")), StringComparison.Ordinal);
        Assert.DoesNotContain(key, File.ReadAllText(_folder.File("encryption.backend")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_locked_keyring_is_an_error_for_a_new_vault()
    {
        _bin.Write("mode", "locked");
        var error = Assert.Throws<MoatException>(() => Put());
        Assert.Contains("locked", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("encryption.key")));
    }

    [Theory]
    [InlineData("locked")]
    [InlineData("absent")]
    public void A_keyring_that_fails_later_is_an_error_and_never_a_second_key(string mode)
    {
        Put();
        _bin.Write("mode", mode);
        Assert.Throws<MoatException>(() => Put("openai"));
        using var vault = _folder.Vault("", _options);
        Assert.Throws<MoatException>(() => vault.Get("github"));
        Assert.False(File.Exists(_folder.File("encryption.key")));
        // Nor does turning the keyring off make one.
        using var other = _folder.Vault("", TestFolder.FileKey);
        Assert.Throws<MoatException>(() => other.Get("github"));
        Assert.False(File.Exists(_folder.File("encryption.key")));
    }

    [Fact]
    public void An_emptied_or_exchanged_keyring_is_an_error()
    {
        Put();
        var item = Directory.GetFiles(_bin.Path, "item-*").Single();
        File.WriteAllText(item, Convert.ToBase64String(new byte[32]));
        Assert.Throws<MoatException>(() => Put("openai"));
        using (var vault = _folder.Vault("", _options)) Assert.Contains("the keyring holds another key", Assert.Throws<MoatException>(() => vault.Get("github")).Message, StringComparison.Ordinal);
        File.Delete(item);
        Assert.Throws<MoatException>(() => Put("openai"));
    }

    [Fact]
    public void A_keyring_that_forgets_is_noticed_before_anything_is_sealed()
    {
        _bin.Write("mode", "forgetful");
        Assert.Throws<MoatException>(() => Put());
        Assert.Empty(Directory.GetFiles(_folder.Credentials, "*.cred"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_a_keyring_the_key_is_a_file_and_stays_one(bool programIsThere)
    {
        if (programIsThere) _bin.Write("mode", "absent");
        else File.Delete(_bin.File("secret-tool"));
        var token = Put();
        Assert.True(File.Exists(_folder.File("encryption.key")));
        _bin.Write("secret-tool", Script, Executable);
        _bin.Write("mode", "");
        using var vault = _folder.Vault("", _options);
        using var credential = vault.Get("github");
        Assert.Equal(token, TestFolder.Text(credential!.Token));
        Put("openai");
        Assert.Empty(Directory.GetFiles(_bin.Path, "item-*"));
    }

    private string Put(string provider = "github")
    {
        var token = TestFolder.NewToken();
        using var vault = _folder.Vault("", _options);
        using var credential = TestFolder.Credential(provider, token);
        vault.Put(credential);
        return token;
    }
}
