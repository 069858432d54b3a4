namespace Moat.Gateway.Ssh;

/// <summary>What a signature is for. <paramref name="Purpose"/> is <c>login</c> or <c>commit</c>; <paramref name="User"/> is who logs in at the host, else empty.</summary>
internal sealed record SignatureUse(string Purpose, string User);
