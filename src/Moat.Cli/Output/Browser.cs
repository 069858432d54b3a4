using System.ComponentModel;
using System.Diagnostics;

namespace Moat.Cli.Output;

/// <summary>The person's browser.</summary>
internal static class Browser
{
    private const string Program = "xdg-open";

    /// <summary>Opens an https address; false where no browser can be started.</summary>
    public static bool Open(Uri address)
    {
        if (address.Scheme != Uri.UriSchemeHttps) return false;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Program, [address.AbsoluteUri]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });
            return process is not null;
        }
        catch (Win32Exception)
        {
            // No xdg-open here: the address was printed.
            return false;
        }
    }
}
