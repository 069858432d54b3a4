using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>The vault's key in a real keyring: gnome-keyring behind a session bus of its own, spoken to by the real secret-tool.</summary>
public class KeyringTests
{
    [Fact]
    public async Task The_key_of_the_vault_lives_in_the_systems_keyring_and_in_no_file()
    {
        foreach (var program in (string[])["secret-tool", "gnome-keyring-daemon", "dbus-run-session"])
            Assert.SkipUnless(File.Exists("/usr/bin/" + program), $"{program} is not installed (libsecret-tools, gnome-keyring, dbus)");
        await using var scene = await Scene.StartAsync(Binary.IsRoot ? "root" : "self");
        var home = scene.Home;
        // The scene's own vault has a key file; this one begins with a keyring.
        Directory.Delete(Path.Combine(home.State, "data"), recursive: true);
        home.Env["MOAT_KEYRING_BACKEND"] = "";
        home.Env["UPSTREAM_TOKEN"] = scene.Secret;
        home.Env["XDG_RUNTIME_DIR"] = Directory.CreateDirectory(Path.Combine(home.Root, "rt"), (UnixFileMode)0b111_000_000).FullName;
        home.Env["XDG_DATA_HOME"] = Path.Combine(home.Root, "share");
        var script = home.Write(Path.Combine(home.Root, "session.sh"), $$"""
            printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
            moat grant upstream --no-validate >/dev/null || exit 1
            unset UPSTREAM_TOKEN
            moat run {{home.Workspace}} --config {{home.ConfigFile}} -- curl -sS https://{{Scene.ApiHost}}/whoami
            secret-tool search --all --unlock service moat 2>&1 | grep -c '^secret = '
            moat grant list
            """);
        var result = await home.ShellAsync($"dbus-run-session -- sh {script}");
        Assert.True(result.ExitCode == 0, result.ToString());
        var lines = result.Out.TrimEnd().Split('\n');
        Assert.StartsWith("authorised", lines[0], StringComparison.Ordinal);
        Assert.Equal("1", lines[1]);
        Assert.Empty(Directory.GetFiles(Path.Combine(home.State, "data"), "encryption.key", SearchOption.AllDirectories));
        scene.AssertNoSecretOnDisk();

        // Another session, whose keyring is locked: an error, and never a second key.
        var locked = await home.ShellAsync($"dbus-run-session -- moat run {home.Workspace} --config {home.ConfigFile} -- true");
        Assert.True(locked.ExitCode == 125, locked.ToString());
        Assert.Contains("keyring", locked.Err, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(home.State, "data"), "encryption.key", SearchOption.AllDirectories));
    }
}
