using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>
/// What becomes of the Redis commands that change who a session is, show a password or its hash, or make one that would
/// outlive the run.
/// </summary>
internal static class RedisRules
{
    /// <summary>Bytes of the longest name that is spoken of.</summary>
    public const int MaxName = 16;

    private static readonly FrozenSet<string> s_names = FrozenSet.Create(StringComparer.Ordinal, "ACL", "AUTH", "CONFIG", "FAILOVER", "HELLO", "PSYNC", "REPLICAOF", "RESET", "SLAVEOF", "SYNC");

    // Who one is, what there is to allow, and a random number.
    private static readonly FrozenSet<string> s_harmlessAcl = FrozenSet.Create(StringComparer.Ordinal, "CAT", "DRYRUN", "GENPASS", "HELP", "WHOAMI");

    internal enum Verdict
    {
        Pass,

        /// <summary>A login: answered here, since the gateway has logged in.</summary>
        Answer,

        /// <summary>A greeting with a login in it, which is taken out.</summary>
        WithoutLogin,
    }

    public static bool Speaks(ReadOnlySpan<byte> name) => s_names.Contains(Encoding.Latin1.GetString(name).ToUpperInvariant());

    /// <param name="words">The command and its arguments, as Latin-1.</param>
    /// <exception cref="SessionException">It is not passed.</exception>
    public static Verdict Decide(IReadOnlyList<string> words)
    {
        var first = words.Count > 1 ? words[1].ToUpperInvariant() : "";
        switch (words[0].ToUpperInvariant())
        {
            case "AUTH" when words.Count is 2 or 3:
                return Verdict.Answer;
            case "HELLO" when words.Count == 1 || words[1] is "2" or "3":
                return words.Count > 2 ? Verdict.WithoutLogin : Verdict.Pass;
            case "CONFIG" when first is "HELP" or "RESETSTAT" || (first is "GET" && words.Skip(2).All(IsHarmless)):
            case "ACL" when s_harmlessAcl.Contains(first):
                return Verdict.Pass;
            case "AUTH" or "HELLO":
                throw SessionException.Malformed("a Redis login");
            case "CONFIG":
                throw new SessionException("CONFIG passes with GET and plain names that are of no password; the rest shows or changes how the server is logged in to");
            case "ACL":
                throw new SessionException("ACL passes with WHOAMI, CAT, DRYRUN and GENPASS; the rest shows or changes how the server is logged in to");
            case "RESET":
                throw new SessionException("a session stays with the grant's user: RESET is not passed");
            default:
                throw new SessionException($"{words[0].ToUpperInvariant()} takes the server's data or password elsewhere; it is not passed");
        }
    }

    /// <summary>HELLO with its version and, where one was given, the client's name.</summary>
    /// <exception cref="SessionException">It is malformed.</exception>
    public static byte[] WithoutLogin(IReadOnlyList<byte[]> words)
    {
        List<byte[]> kept = [words[0], words[1]];
        for (var i = 2; i < words.Count;)
        {
            var word = Encoding.Latin1.GetString(words[i]).ToUpperInvariant();
            if (word == "AUTH" && i + 2 < words.Count)
            {
                i += 3;
            }
            else if (word == "SETNAME" && i + 1 < words.Count)
            {
                kept.AddRange([words[i], words[i + 1]]);
                i += 2;
            }
            else
            {
                throw SessionException.Malformed("a Redis login");
            }
        }
        return Write(kept);
    }

    public static byte[] Write(IReadOnlyList<byte[]> words)
    {
        using var command = new MemoryStream();
        command.Write(Line('*', words.Count));
        foreach (var word in words)
        {
            command.Write(Line('$', word.Length));
            command.Write(word);
            command.Write("\r\n"u8);
        }
        return command.ToArray();
    }

    // A pattern may mean a password's name without spelling it.
    private static bool IsHarmless(string name)
        => name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && !name.Contains("pass", StringComparison.OrdinalIgnoreCase) && !name.Contains("auth", StringComparison.OrdinalIgnoreCase);

    private static byte[] Line(char type, int number) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{type}{number}\r\n"));
}
