using System.Security.Cryptography;

namespace Moat.Gateway.Redaction;

/// <summary>
/// Redacts one stream piece by piece. Between pieces it holds back only bytes that may be the beginning of a secret; all
/// others are final at once, so a live stream is not delayed. For each piece: <see cref="Restore"/> puts the held bytes
/// at the front of the buffer, the caller adds new ones behind them, <see cref="Settle"/> masks and says how many bytes
/// from the front are final.
/// </summary>
internal sealed class RedactionWindow(SecretRedactor redactor)
{
    private readonly byte[] _held = GC.AllocateUninitializedArray<byte>(redactor.MaxHeld, pinned: true);
    private List<ByteRange>? _found;
    private int _masked; // how many of the held bytes belong to a secret that is known already
    private int _run;    // masked bytes directly before the held ones

    internal int HeldLength { get; private set; }

    internal int MaxHeld => _held.Length;

    /// <summary>Changes nothing, so a read that failed can be tried again.</summary>
    internal int Restore(Span<byte> buffer)
    {
        _held.AsSpan(0, HeldLength).CopyTo(buffer);
        return HeldLength;
    }

    /// <param name="text">The held bytes and the new ones; masked in place up to the returned length.</param>
    /// <param name="final">True at the end of the stream: nothing is held back.</param>
    internal int Settle(Span<byte> text, bool final)
    {
        var search = redactor.Search;
        _found?.Clear();
        search.FindAll(text, ref _found);
        if (_masked > 0) (_found ??= []).Add(new ByteRange(0, _masked));

        HeldLength = final ? 0 : search.OpenEnd(text);
        var settled = text.Length - HeldLength;
        // Held bytes stay unmasked: the next secret may begin inside this one.
        text[settled..].CopyTo(_held);
        _masked = Math.Max(0, _masked - settled);
        if (_found is { Count: > 0 })
        {
            foreach (var range in _found)
                if (range.Start < settled) _masked = Math.Max(_masked, range.End - settled);
            SecretRedactor.Mask(text[..settled], _found, ref _run);
        }
        else if (settled > 0)
        {
            _run = 0;
        }
        return settled;
    }

    /// <summary>Forgets the stream, held bytes included.</summary>
    internal void Clear()
    {
        CryptographicOperations.ZeroMemory(_held);
        HeldLength = _masked = _run = 0;
        _found?.Clear();
    }
}
