using System.CommandLine;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Cli;

/// <summary>The flags <c>--git-creds</c> and its like: a class of credentials in one word, each a grant here.</summary>
internal static class CredentialClasses
{
    private static readonly (Option<bool> Flag, string Grant)[] s_classes =
    [
        (Flag("--git-creds", "git over HTTPS with the grant github; your name and e-mail are copied in any case"), "github"),
        (Flag("--gh-creds", "The grant github"), "github"),
        (Flag("--npm-creds", "The grant npm"), "npm"),
        (Flag("--aws-creds", "The grant aws"), "aws"),
    ];

    // A key is granted for one host, so these two stand for every host that has a grant.
    private static readonly Option<bool>[] s_ssh = [Flag("--ssh-creds", "Every stored grant ssh:HOST"), Flag("--ssh-agent", "Every stored grant ssh:HOST; the sandbox gets an ssh-agent that signs for these hosts alone")];

    private static readonly Option<bool> s_all = Flag("--all-creds", "Every class that has a grant");

    public static IEnumerable<Option> Options => [.. s_classes.Select(c => c.Flag), .. s_ssh, s_all];

    /// <summary>The grants that the flags ask for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="stored">The names of the grants in the vault.</param>
    /// <exception cref="MoatException">SSH is asked for and no host has a grant.</exception>
    public static IEnumerable<string> GrantsOf(ParseResult parsed, Lazy<IReadOnlyList<string>> stored)
    {
        var asked = s_ssh.FirstOrDefault(flag => parsed.GetValue(flag));
        if (asked is not null || parsed.GetValue(s_all))
        {
            var hosts = stored.Value.Where(name => SshGrant.HostOf(name) is not null).ToList();
            if (asked is not null && hosts.Count == 0) throw new MoatException($"{asked.Name}: no grant for SSH is stored", "grant a key for a host first: moat grant ssh --host github.com");
            foreach (var name in hosts) yield return name;
        }

        foreach (var (flag, grant) in s_classes)
        {
            if (parsed.GetValue(flag) || parsed.GetValue(s_all)) yield return grant;
        }
    }

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
