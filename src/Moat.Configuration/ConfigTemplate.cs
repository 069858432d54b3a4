using Moat.Spec;

namespace Moat.Configuration;

/// <summary>The commented moat.yaml that <c>moat init</c> writes.</summary>
public static class ConfigTemplate
{
    /// <param name="name">A run name; <see cref="RunNames.FolderStem"/> makes one from a folder.</param>
    /// <exception cref="MoatException">The text is not a run name.</exception>
    public static string Render(string name) => $$"""
        # What `moat run` does in this folder. Every line behind a # is an example; remove the # to use it.
        # Moat asks you once to approve this file (`moat trust`), and again after each change.

        name: {{RunNames.Check(name)}}

        # The command, when none is given after --.
        # command: [npm, test]
        # interactive: true          # a terminal of its own

        # Credentials the sandbox may use and never sees. Store one with `moat grant github`.
        # grants: [github]

        # env:
        #   NODE_ENV: development

        # Folders besides this one (which is /workspace). ro: read only.
        # mounts:
        #   - ./data:/data:ro
        #   - source: .
        #     target: /workspace
        #     exclude: [node_modules]  # hidden under an empty folder

        network:
          # strict: only what is listed, the hosts of the grants, and the registries of your package clients.
          # permissive: every public host.
          policy: strict
          # rules:
          #   - api.example.org
          #   - "*.example.net"
          #   - internal.example.org:8443
          #   - "api.example.com": ["allow GET /repos/**", "deny * /**"]
          # host: [5432]              # ports of this computer, as moat-host
          # registries: false         # do not open your package clients' registries
          # ca: [./corporate-ca.pem]  # more authorities for servers' certificates
          # resolve:
          #   git.example.org: 10.0.0.5

        # container:
        #   memory: 4096              # MiB
        #   cpus: 2

        """;
}
