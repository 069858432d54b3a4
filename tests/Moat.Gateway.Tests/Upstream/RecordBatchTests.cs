using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CsCheck;
using Moat.Gateway.Upstream;

namespace Moat.Gateway.Tests.Upstream;

public sealed class RecordBatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_written_between_hold_and_release_leaves_in_one_piece_and_nothing_stays()
    {
        var wire = new Wire();
        await using var batch = new RecordBatch(wire);
        await batch.WriteAsync(new byte[5], Cancel);
        Assert.Equal([5], wire.Pieces);
        batch.Hold();
        for (var i = 0; i < 4; i++) await batch.WriteAsync(new byte[16 * 1024 + 22], Cancel);
        Assert.Equal([5], wire.Pieces);
        await batch.ReleaseAsync(Cancel);
        Assert.Equal([5, 4 * (16 * 1024 + 22)], wire.Pieces);
        await batch.WriteAsync(new byte[7], Cancel);
        Assert.Equal([5, 4 * (16 * 1024 + 22), 7], wire.Pieces);
    }

    [Fact]
    public void Bytes_keep_their_order_whatever_the_sizes() =>
        Gen.Select(Gen.Int[0, 90_000].Array[0, 12], Gen.Bool.Array[12]).Sample(
            (sizes, turns) =>
            {
                var wire = new Wire();
                var batch = new RecordBatch(wire);
                using var sent = new MemoryStream();
                for (var i = 0; i < sizes.Length; i++)
                {
                    var piece = RandomNumberGenerator.GetBytes(sizes[i]);
                    sent.Write(piece);
                    if (turns[i]) batch.Hold();
                    batch.WriteAsync(piece, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                    if (!turns[i]) batch.ReleaseAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
                }
                batch.ReleaseAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
                return wire.Bytes.ToArray().AsSpan().SequenceEqual(sent.ToArray());
            },
            iter: 100);

    [Fact]
    public async Task A_write_of_four_records_is_one_send_to_the_upstream()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=up.test", key, HashAlgorithmName.SHA256);
        using var self = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(self.Export(X509ContentType.Pkcs12), null);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, Cancel);
        using var accepted = await listener.AcceptTcpClientAsync(Cancel);
        await using var server = new SslStream(accepted.GetStream());
        var wire = new Wire(client.GetStream());
        var options = new SslClientAuthenticationOptions { TargetHost = "up.test", RemoteCertificateValidationCallback = (_, given, _, _) => given is not null };
        var connected = UpstreamStream.ConnectAsync(wire, options, Cancel).AsTask();
        await server.AuthenticateAsServerAsync(certificate);
        await using var upstream = await connected;
        var before = wire.Pieces.Count;

        var body = RandomNumberGenerator.GetBytes(64 * 1024);
        await upstream.WriteAsync(body, Cancel);
        Assert.Single(wire.Pieces, piece => piece > 64 * 1024);
        Assert.Equal(before + 1, wire.Pieces.Count);
        var got = new byte[body.Length];
        await server.ReadExactlyAsync(got, Cancel);
        Assert.Equal(body, got);
        client.Dispose();
    }

    /// <summary>Notes each write, keeps its bytes or hands them on.</summary>
    private sealed class Wire(Stream? to = null) : Stream
    {
        public List<int> Pieces { get; } = [];

        public MemoryStream Bytes { get; } = new();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Pieces.Add(buffer.Length);
            if (to is not null) return to.WriteAsync(buffer, cancellationToken);
            Bytes.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => to!.ReadAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Pieces.Add(count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
