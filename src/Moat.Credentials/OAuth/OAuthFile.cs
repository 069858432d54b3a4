using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The person's <c>oauth/NAME.yaml</c>: <c>url</c>, <c>auth_url</c>, <c>token_url</c>, <c>device_url</c>, <c>client_id</c>,
/// <c>client_secret</c> (its value, or where it is), <c>scopes</c> (a list, or one text). All may be left out.
/// </summary>
internal sealed record OAuthFile(string? Url, string? AuthUrl, string? TokenUrl, string? DeviceUrl, string? ClientId, string? ClientSecret, string? Scopes)
{
    private static readonly string[] s_keys = ["url", "auth_url", "token_url", "device_url", "client_id", "client_secret", "scopes"];

    internal static OAuthFile None { get; } = new(null, null, null, null, null, null, null);

    /// <exception cref="MoatException">The file is not one of these.</exception>
    internal static OAuthFile Read(string? folder, string name)
    {
        if (folder is null || Path.Combine(folder, name + ".yaml") is not { } path || !File.Exists(path)) return None;
        var root = YamlReader.Open(path, File.ReadAllBytes(path), s_keys, "see docs/reference/grants.md for the keys of a login's file");
        var secret = Text("client_secret");
        // Refuses a file that others may read.
        if (secret is not null && !OAuthGrant.IsSource(secret)) _ = PrivateFiles.Read(path);
        var scopes = string.Join(' ', root.Items("scopes").Select(item => item.Value));
        return new OAuthFile(Text("url"), Text("auth_url"), Text("token_url"), Text("device_url"), Text("client_id"), secret, scopes.Length > 0 ? scopes : null);

        string? Text(string key) => root.Text(key) is { Length: > 0 } text ? text : null;
    }
}
