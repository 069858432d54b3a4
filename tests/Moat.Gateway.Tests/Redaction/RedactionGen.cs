using System.Security.Cryptography;
using System.Text;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.Tests.Redaction;

internal static class RedactionGen
{
    internal static byte[] NewSecret(int length = 40) => Encoding.ASCII.GetBytes("tk_" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", length));

    /// <summary>A secret with bytes that each encoding treats differently.</summary>
    internal static byte[] NewSpecialSecret() => Encoding.UTF8.GetBytes(RandomNumberGenerator.GetString("ab09+/=&<>\"'\\ %?~é\u00ff", 24) + "é&/\"");

    internal static SecretRedactor Redactor(params byte[][] secrets) => new(secrets.Select((secret, i) => ($"grant{i}", secret)));

    /// <summary>Masks the union of all occurrences of all forms, position by position.</summary>
    internal static byte[] Oracle(byte[] text, IReadOnlyList<byte[]> forms)
    {
        var masked = new bool[text.Length];
        foreach (var form in forms)
            for (var i = 0; i + form.Length <= text.Length; i++)
                if (text.AsSpan(i, form.Length).SequenceEqual(form)) Array.Fill(masked, true, i, form.Length);
        var result = text.ToArray();
        var run = 0;
        for (var i = 0; i < text.Length; i++)
        {
            run = masked[i] ? run + 1 : 0;
            if (run > 0) result[i] = run <= 15 ? (byte)"[moat:redacted]"[run - 1] : (byte)'*';
        }
        return result;
    }

    internal static bool Contains(ReadOnlySpan<byte> text, ReadOnlySpan<byte> form) => text.IndexOf(form) >= 0;

    internal static async Task<byte[]> ReadAllAsync(Stream stream, int bufferLength = 64 * 1024)
    {
        using var result = new MemoryStream();
        var buffer = new byte[bufferLength];
        while (await stream.ReadAsync(buffer) is var read and > 0) result.Write(buffer, 0, read);
        return result.ToArray();
    }
}

/// <summary>Returns one given piece a read, as a network would.</summary>
internal sealed class PieceStream(IEnumerable<byte[]> pieces) : Stream
{
    private readonly IEnumerator<byte[]> _pieces = pieces.GetEnumerator();
    private byte[] _rest = [];

    public int Reads { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public MemoryStream Written { get; } = new();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Reads++;
        while (_rest.Length == 0)
        {
            if (!_pieces.MoveNext()) return ValueTask.FromResult(0);
            _rest = _pieces.Current;
        }
        var length = Math.Min(buffer.Length, _rest.Length);
        _rest.AsMemory(0, length).CopyTo(buffer);
        _rest = _rest[length..];
        return ValueTask.FromResult(length);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => Written.WriteAsync(buffer, cancellationToken);

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
