using Moat.Credentials.Ssh;

namespace Moat.Gateway.Ssh;

/// <summary>The data that signs a text (OpenSSH's PROTOCOL.sshsig): a namespace, which keeps a commit apart from a file or a mail, and a hash.</summary>
internal static class SignedText
{
    /// <summary>git's namespace for commits and tags.</summary>
    public const string GitNamespace = "git";

    private static ReadOnlySpan<byte> Magic => "SSHSIG"u8;

    /// <summary>True when the data can be nothing but a signed text: a login would begin with the length of its session.</summary>
    public static bool Is(ReadOnlySpan<byte> data) => data.StartsWith(Magic);

    /// <summary>The namespace; null when the data is malformed.</summary>
    public static string? NamespaceOf(ReadOnlySpan<byte> data)
    {
        var reader = new SshReader(data[Magic.Length..]);
        var purpose = reader.Text();
        var reserved = reader.String();
        var hash = reader.Text();
        var digest = reader.String();
        var length = hash switch { "sha256" => 32, "sha512" => 64, _ => -1 };
        return reader.IsAtEnd && purpose.Length > 0 && reserved.IsEmpty && digest.Length == length ? purpose : null;
    }
}
