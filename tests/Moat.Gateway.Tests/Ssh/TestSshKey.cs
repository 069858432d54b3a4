using System.Security.Cryptography;
using Moat.Credentials.Ssh;
using NSec.Cryptography;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>A key pair made for one test: what a server or a person would have. Signs by itself, with nothing of Moat's.</summary>
internal sealed class TestSshKey
{
    private readonly Func<byte[], byte[]> _sign;

    private TestSshKey(byte[] blob, byte[] section, Func<byte[], byte[]> sign)
    {
        Public = SshPublicKey.Read(blob) ?? throw new InvalidOperationException("the test's own key is none");
        (Section, _sign) = (section, sign);
    }

    public SshPublicKey Public { get; }

    /// <summary>The private section of an OpenSSH key file.</summary>
    public byte[] Section { get; }

    public byte[] Sign(byte[] data) => _sign(data);

    public static TestSshKey Create(string type = SshAlgorithms.Ed25519) => type switch
    {
        SshAlgorithms.Ed25519 => Ed25519(),
        SshAlgorithms.Rsa => Rsa(),
        SshAlgorithms.EcdsaP256 => Ecdsa(type, ECCurve.NamedCurves.nistP256, HashAlgorithmName.SHA256),
        SshAlgorithms.EcdsaP384 => Ecdsa(type, ECCurve.NamedCurves.nistP384, HashAlgorithmName.SHA384),
        _ => Ecdsa(type, ECCurve.NamedCurves.nistP521, HashAlgorithmName.SHA512),
    };

    private static TestSshKey Ed25519()
    {
        var key = Key.Create(SignatureAlgorithm.Ed25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        var point = key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        byte[] both = [.. key.Export(KeyBlobFormat.RawPrivateKey), .. point];
        return new TestSshKey(
            new SshWriter().String(SshAlgorithms.Ed25519).String(point).ToArray(),
            Head(SshAlgorithms.Ed25519).String(point).String(both).String("test").ToArray(),
            data => new SshWriter().String(SshAlgorithms.Ed25519).String(SignatureAlgorithm.Ed25519.Sign(key, data)).ToArray());
    }

    private static TestSshKey Ecdsa(string type, ECCurve curve, HashAlgorithmName hash)
    {
        var key = ECDsa.Create(curve);
        var numbers = key.ExportParameters(includePrivateParameters: true);
        byte[] point = [4, .. numbers.Q.X!, .. numbers.Q.Y!];
        var name = type["ecdsa-sha2-".Length..];
        return new TestSshKey(
            new SshWriter().String(type).String(name).String(point).ToArray(),
            Head(type).String(name).String(point).Magnitude(numbers.D!).String("test").ToArray(),
            data =>
            {
                var plain = key.SignData(data, hash);
                var half = plain.Length / 2;
                return new SshWriter().String(type).String(new SshWriter().Magnitude(plain.AsSpan(0, half)).Magnitude(plain.AsSpan(half)).ToArray()).ToArray();
            });
    }

    private static TestSshKey Rsa()
    {
        var key = RSA.Create(2048);
        var n = key.ExportParameters(includePrivateParameters: true);
        return new TestSshKey(
            new SshWriter().String(SshAlgorithms.Rsa).Magnitude(n.Exponent).Magnitude(n.Modulus).ToArray(),
            Head(SshAlgorithms.Rsa).Magnitude(n.Modulus).Magnitude(n.Exponent).Magnitude(n.D).Magnitude(n.InverseQ).Magnitude(n.P).Magnitude(n.Q).String("test").ToArray(),
            data => new SshWriter().String(SshAlgorithms.RsaSha512).String(key.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)).ToArray());
    }

    private static SshWriter Head(string type) => new SshWriter().UInt32(7).UInt32(7).String(type);
}
