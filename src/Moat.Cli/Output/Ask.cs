using System.Security.Cryptography;
using System.Text;
using Moat.Credentials;
using Moat.Runs;

namespace Moat.Cli.Output;

/// <summary>Questions to a person at a terminal.</summary>
internal static class Ask
{
    /// <summary>Whether there is a person to ask.</summary>
    public static bool IsPossible => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>No is the answer unless the person types yes.</summary>
    public static bool Confirm(string question)
    {
        Console.Error.Write($"{Printable.Text(question)} [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes" or "Yes";
    }

    /// <summary>Reads a secret without an echo; null when the person gave up (an empty line, Escape, Ctrl-D).</summary>
    public static Secret? ForSecret(string question)
    {
        Console.Error.Write($"{Printable.Text(question)} (hidden): ");
        var typed = GC.AllocateArray<char>(16 * 1024, pinned: true);
        var length = 0;
        try
        {
            while (true)
            {
                var key = Console.ReadKey(intercept: true);
                if (key.Key == ConsoleKey.Enter) break;
                if (key.Key == ConsoleKey.Escape || key.KeyChar == '\x04') return null;
                if (key.Key == ConsoleKey.Backspace) length = Math.Max(0, length - 1);
                else if (!char.IsControl(key.KeyChar) && length < typed.Length) typed[length++] = key.KeyChar;
            }

            if (length == 0) return null;
            var bytes = GC.AllocateArray<byte>(Encoding.UTF8.GetMaxByteCount(length), pinned: true);
            try
            {
                return Secret.Copy(bytes.AsSpan(0, Encoding.UTF8.GetBytes(typed.AsSpan(0, length), bytes)));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(bytes);
            }
        }
        finally
        {
            Array.Clear(typed);
            Console.Error.WriteLine();
        }
    }
}
