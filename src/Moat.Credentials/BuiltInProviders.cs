using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>The providers that need more than a YAML file can say.</summary>
internal static class BuiltInProviders
{
    internal static ImmutableArray<ProviderDefinition> All { get; } = [GitHub(), Anthropic(), OpenAI(), NpmGrant.Provider(), Copilot(), ClaudeGrant.Provider(), AwsGrant.Provider(), DockerGrant.Provider(), GcloudGrant.Provider(), AzureGrant.Provider(), KubeGrant.Provider()];

    private static ProviderDefinition GitHub() => new()
    {
        Name = "github",
        Description = "GitHub: API, gh and git over HTTPS",
        Aliases = ["gh"],
        Bindings =
        [
            new("api.github.com", "Authorization", InjectionSlot.Header, "Bearer "),
            new("uploads.github.com", "Authorization", InjectionSlot.Header, "Bearer "),
            // git's smart HTTP takes Basic alone.
            new("github.com", "Authorization", InjectionSlot.BasicPassword, "x-access-token"),
        ],
        // Where downloads, archives and LFS objects redirect to: those addresses are signed, a credential would only
        // spread further than it has to.
        ExtraHosts =
        [
            "codeload.github.com", "objects.githubusercontent.com", "raw.githubusercontent.com",
            "release-assets.githubusercontent.com", "github-cloud.githubusercontent.com",
        ],
        SourceEnv = ["GH_TOKEN", "GITHUB_TOKEN"],
        SourceCommand = ["gh", "auth", "token"],
        ContainerEnv = ["GH_TOKEN", "GITHUB_TOKEN"],
        Validation = new("https://api.github.com/user", "GET", "Authorization", "Bearer ", [new("Accept", "application/vnd.github+json")]),
        Prompt = "GitHub personal access token",
        Placeholder = PlaceholderTemplate.Parse("ghp_{base62:30}{crc32}"),
    };

    // The same account's token as github's, for the hosts of Copilot's agents; together with the github grant the
    // placeholder in the request says which of the two is meant.
    private static ProviderDefinition Copilot() => new()
    {
        Name = "copilot",
        Description = "GitHub Copilot",
        Bindings =
        [
            new("api.github.com", "Authorization", InjectionSlot.Header, "Bearer "),
            new("api.githubcopilot.com", "Authorization", InjectionSlot.Header, "Bearer "),
            new("*.githubcopilot.com", "Authorization", InjectionSlot.Header, "Bearer "),
            new("github.com", "Authorization", InjectionSlot.BasicPassword, "x-access-token"),
        ],
        SourceEnv = ["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        SourceCommand = ["gh", "auth", "token"],
        ContainerEnv = ["COPILOT_GITHUB_TOKEN"],
        Validation = new("https://api.github.com/copilot_internal/user", "GET", "Authorization", "Bearer ", [new("Accept", "application/json")]),
        Prompt = "GitHub token of an account with Copilot",
        Placeholder = PlaceholderTemplate.Parse("github_pat_{base62:22}_{base62:59}"),
    };

    private static ProviderDefinition Anthropic() => new()
    {
        Name = "anthropic",
        Description = "Anthropic API key",
        Bindings = [new("api.anthropic.com", "x-api-key", InjectionSlot.Header)],
        // An agent's own Authorization would be a second identity beside the key: someone else's account to carry data to.
        RemoveHeaders = ["Authorization"],
        SourceEnv = ["ANTHROPIC_API_KEY"],
        ContainerEnv = ["ANTHROPIC_API_KEY"],
        Validation = new("https://api.anthropic.com/v1/models?limit=1", "GET", "x-api-key", "", [new("anthropic-version", "2023-06-01")]),
        Prompt = "Anthropic API key",
        Placeholder = PlaceholderTemplate.Parse("sk-ant-api03-{base64url:93}AA"),
    };

    private static ProviderDefinition OpenAI() => new()
    {
        Name = "openai",
        Description = "OpenAI API key",
        Bindings = [new("api.openai.com", "Authorization", InjectionSlot.Header, "Bearer ")],
        SourceEnv = ["OPENAI_API_KEY"],
        ContainerEnv = ["OPENAI_API_KEY"],
        Validation = new("https://api.openai.com/v1/models", "GET", "Authorization", "Bearer ", []),
        Prompt = "OpenAI API key",
        Placeholder = PlaceholderTemplate.Parse("sk-{base62:20}T3BlbkFJ{base62:20}"),
    };
}
