using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials.Tests;

/// <summary>A known credential goes through everything the room does; nothing it leaves may hold it (T-30, T-43).</summary>
public sealed class CanaryTests : IDisposable
{
    // Characters that each encoding spells differently.
    private readonly string _canary = "ghp_\"<&+/=" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)) + "~'";
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_file_text_or_error_holds_the_credential_in_any_encoding()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var api = new LoopbackApi(LoopbackApi.Answer("401 No", $"X-Echo: {_canary}\r\n", _canary));
        _folder.Write("providers/acme.yaml", $"name: acme\nhosts: [\"127.0.0.1:{api.Port}\"]\ninject: {{ header: X-Key }}\nsource_env: [K]\nvalidate: {{ url: \"http://127.0.0.1:{api.Port}/\" }}\n");
        var catalog = ProviderCatalog.Load(_folder.File("providers"));
        using var vault = _folder.Vault();
        var service = new GrantService(vault, catalog, environment: name => name is "K" or "GH_TOKEN" ? _canary : null);
        var texts = new List<string> { (await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(new GrantRequest("acme"), ct))).ToString() };
        texts.Add((await service.GrantAsync(new GrantRequest("acme") { NoValidate = true }, ct)).ToString());
        await service.GrantAsync(new GrantRequest("github") { NoValidate = true }, ct);
        texts.Add(service.Show("github").ToString());
        texts.AddRange(service.List().Select(info => info.ToString()));
        using (var credential = vault.Get("acme")) texts.AddRange([$"{credential}", $"{credential!.Token}"]);

        var spec = new RunSpec { Id = "run_0123456789ab", Name = "n", Command = ["true"], Interactive = false, Workspace = new WorkspaceSpec("/tmp/w"), Network = new NetworkSpec { Mode = NetworkMode.Strict }, Grants = [new GrantSpec("github"), new GrantSpec("acme")], CreatedAt = DateTimeOffset.UnixEpoch };
        foreach (var grant in GrantUnlocker.Unlock(spec, vault, catalog, RandomNumberGenerator.GetBytes(32)))
        {
            texts.AddRange([$"{grant}", grant.Placeholder, .. grant.Env.Values, .. grant.Bindings.Select(binding => $"{binding}")]);
            grant.Revoke("test");
            texts.Add(grant.RevokedReason!);
            grant.Dispose();
        }
        File.Copy(Path.Combine(_folder.Credentials, "acme.cred"), Path.Combine(_folder.Credentials, "openai.cred"));
        texts.Add(Assert.Throws<MoatException>(() => vault.Get("openai")).ToString());

        var files = Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).ToArray();
        Assert.True(files.Length >= 6);
        var haystacks = files.Select(File.ReadAllBytes).Concat(texts.Select(Encoding.UTF8.GetBytes)).ToArray();
        Assert.All(haystacks, haystack => Assert.All(Encodings(), needle => Assert.True(haystack.AsSpan().IndexOf(needle) < 0)));
    }

    [Fact]
    public void The_forms_for_redaction_hold_each_encoding_and_the_basic_pair()
    {
        using var secret = Secret.FromText(_canary);
        var forms = SecretForms.Of(secret, ["x-access-token"]).ToArray();
        var pair = "x-access-token:" + _canary;
        string[] expected =
        [
            _canary, Convert.ToBase64String(Encoding.UTF8.GetBytes(_canary)), Uri.EscapeDataString(_canary), JsonEncodedText.Encode(_canary).ToString(),
            Convert.ToHexString(Encoding.UTF8.GetBytes(_canary)), Convert.ToHexStringLower(Encoding.UTF8.GetBytes(_canary)), Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)),
        ];
        Assert.All(expected, text => Assert.Contains(forms, form => form.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text))));
    }

    private IEnumerable<byte[]> Encodings()
    {
        var raw = Encoding.UTF8.GetBytes(_canary);
        yield return raw;
        yield return Encoding.ASCII.GetBytes(Convert.ToBase64String(raw).TrimEnd('='));
        yield return Encoding.ASCII.GetBytes(Convert.ToBase64String(raw).TrimEnd('=').Replace('+', '-').Replace('/', '_'));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(raw));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(raw));
        yield return Encoding.ASCII.GetBytes(Uri.EscapeDataString(_canary));
        yield return Encoding.ASCII.GetBytes(JsonEncodedText.Encode(_canary).ToString());
        yield return Encoding.Unicode.GetBytes(_canary);
    }
}
