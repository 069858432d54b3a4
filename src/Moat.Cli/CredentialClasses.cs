using System.CommandLine;
using Moat.Spec;

namespace Moat.Cli;

/// <summary>The flags <c>--git-creds</c> and its like: a class of credentials in one word, each a grant here. A class without a grant is an error, never a flag that does nothing.</summary>
internal static class CredentialClasses
{
    private static readonly (Option<bool> Flag, string Grant, string Instead)[] s_classes =
    [
        (Flag("--git-creds", "git over HTTPS with the grant github; your name and e-mail are copied in any case"), "github", ""),
        (Flag("--gh-creds", "The grant github"), "github", ""),
        (Flag("--npm-creds", "The grant npm"), "npm", ""),
        (Flag("--ssh-creds", "No grant exists for SSH yet"), "", "use --git-creds and https:// remotes"),
        (Flag("--aws-creds", "The grant aws"), "aws", ""),
    ];

    private static readonly Option<bool> s_all = Flag("--all-creds", "Every class that has a grant");

    public static IEnumerable<Option> Options => s_classes.Select(c => c.Flag).Append(s_all);

    /// <summary>The grants that the flags ask for.</summary>
    /// <exception cref="MoatException">A flag's class has no grant.</exception>
    public static IEnumerable<string> GrantsOf(ParseResult parsed)
    {
        foreach (var (flag, grant, instead) in s_classes)
        {
            if (grant.Length == 0 && parsed.GetValue(flag)) throw new MoatException($"{flag.Name}: {char.ToLowerInvariant(flag.Description![0])}{flag.Description[1..]}", instead);
            if (grant.Length > 0 && (parsed.GetValue(flag) || parsed.GetValue(s_all))) yield return grant;
        }
    }

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
