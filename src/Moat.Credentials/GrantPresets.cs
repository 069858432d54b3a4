namespace Moat.Credentials;

/// <summary>Scopes with a name. Of <c>github</c>: <c>read-only</c>, <c>repo OWNER/NAME</c>, <c>repo OWNER/NAME read-only</c>.</summary>
internal static class GrantPresets
{
    private static readonly string[] s_reads = ["GET", "HEAD"];

    /// <summary>The rules of a preset; null when the provider has none of this name.</summary>
    internal static IEnumerable<GrantScopeRule>? Find(string provider, string[] words) => (provider, words) switch
    {
        ("github", ["read-only"]) => GitHub("**", "*/*", readOnly: true),
        ("github", ["repo", var name]) when IsRepository(name) => Repository(name, readOnly: false),
        ("github", ["repo", var name, "read-only"]) when IsRepository(name) => Repository(name, readOnly: true),
        _ => null,
    };

    private static IEnumerable<GrantScopeRule> Repository(string name, bool readOnly)
    {
        var bare = name.EndsWith(".git", StringComparison.Ordinal) ? name[..^4] : name;
        return GitHub($"repos/{bare}/**", bare, readOnly).Concat(GitHub($"repos/{bare}/**", bare + ".git", readOnly)).Distinct();
    }

    // github.com serves git: a clone and a fetch are GETs and a POST that names git-upload-pack, a push is one that names
    // git-receive-pack. The GraphQL API is a POST to one path for reading and for writing, so no preset opens it.
    private static IEnumerable<GrantScopeRule> GitHub(string api, string repository, bool readOnly)
    {
        foreach (var method in readOnly ? s_reads : ["*"])
        {
            yield return new GrantScopeRule("api.github.com", method, "/" + api);
            yield return new GrantScopeRule("uploads.github.com", method, "/" + api);
            if (!readOnly || method == "GET") yield return new GrantScopeRule("github.com", readOnly ? "GET" : "*", $"/{repository}/**");
        }
        if (readOnly) yield return new GrantScopeRule("github.com", "POST", $"/{repository}/git-upload-pack");
    }

    private static bool IsRepository(string text)
        => text.Split('/') is [{ Length: > 0 } owner, { Length: > 0 } name] && IsName(owner) && IsName(name);

    private static bool IsName(string text) => text is not ("." or "..") && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
