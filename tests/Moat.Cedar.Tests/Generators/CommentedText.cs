using System.Text;

namespace Moat.Cedar.Tests.Generators;

/// <summary>Puts comments and blanks between tokens.</summary>
internal static class CommentedText
{
    /// <summary>The texts with comments where people write them: before a policy, behind it, and behind the brackets and operators in it.</summary>
    public static string Of(Dice dice, IEnumerable<string> policies)
    {
        var text = new StringBuilder();
        foreach (var policy in policies)
        {
            if (dice.Chance(30)) text.Append("// before\n");
            if (dice.Chance(10)) text.Append("\n\n//   \"and\" more  \n");
            text.Append(Inside(dice, policy, after => after is "&&" or "||" or "(" or "{" or "," ? 3 : 0));
            text.Append(dice.Chance(20) ? " // behind\n" : "\n");
        }

        return text.Append(dice.Chance(20) ? "// at the end\n" : "").ToString();
    }

    /// <summary>The text with comments anywhere.</summary>
    public static string Anywhere(Dice dice, string policy) => Inside(dice, policy, _ => 15);

    private static string Inside(Dice dice, string policy, Func<string, int> percent)
    {
        var source = new SourceText(policy);
        var text = new StringBuilder();
        foreach (var token in Lexer.Read(source, []))
        {
            text.Append(source[token.Span]);
            var spread = dice.Upto(9) switch { 0 => "\n", 1 => "   ", 2 => "\n\n  ", _ => " " };
            text.Append(dice.Chance(percent(source[token.Span].ToString())) ? $" // {dice.Upto(9)}\n" : spread);
            if (dice.Chance(percent(source[token.Span].ToString()) / 3)) text.Append("// alone\n");
        }

        return text.ToString();
    }
}
