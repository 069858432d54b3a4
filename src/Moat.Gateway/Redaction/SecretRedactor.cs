using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Gateway.Redaction;

/// <summary>
/// Knows every spelling of the run's secrets and masks each byte of each occurrence. The mask keeps the length
/// (<c>[moat:redacted]****</c>, cut to fit), so Content-Length, offsets and frame lengths stay true and no header has
/// to wait for the body. Thread-safe; a rotation makes a new one.
/// </summary>
internal sealed class SecretRedactor : IDisposable
{
    private static ReadOnlySpan<byte> Marker => "[moat:redacted]"u8;

    private const int PooledWindows = 256;

    private readonly ByteSearch _search;
    private readonly ConcurrentQueue<RedactionWindow> _windows = new();
    private volatile bool _disposed;

    /// <summary>Secrets shorter than 4 bytes are no credentials and cannot be told from clean text.</summary>
    /// <exception cref="MoatException">A secret is too short.</exception>
    internal SecretRedactor(IEnumerable<(string Name, byte[] Secret)> secrets)
        : this(secrets.SelectMany(entry => entry.Secret.Length >= ByteSearch.GramLength ? SecretSpellings.Of(entry.Secret)
            : throw new MoatException($"the credential of {entry.Name} is shorter than {ByteSearch.GramLength} bytes", $"grant it again: moat grant {entry.Name}")))
    {
    }

    /// <summary>Takes the forms over and zeroes what it does not keep.</summary>
    internal SecretRedactor(IEnumerable<byte[]> forms)
    {
        var kept = new List<byte[]>();
        foreach (var form in forms)
        {
            if (form.Length >= ByteSearch.GramLength && !kept.Exists(other => other.AsSpan().SequenceEqual(form))) kept.Add(form);
            else CryptographicOperations.ZeroMemory(form);
        }
        _search = new ByteSearch(kept);
    }

    /// <summary>
    /// For the run's grants. After a rotation give the <paramref name="previous"/> redactor: a service may still answer with
    /// the old credential, in any of its spellings.
    /// </summary>
    internal static SecretRedactor Of(IEnumerable<UnlockedGrant> grants, SecretRedactor? previous = null)
    {
        var forms = new List<byte[]>();
        foreach (var grant in grants)
        {
            foreach (var secret in grant.Secrets) forms.AddRange(SecretSpellings.Of(secret.Reveal()));
            forms.AddRange(grant.SecretForms());
        }
        if (previous is not null) forms.AddRange(previous.Search.CopyPatterns());
        return new SecretRedactor(forms);
    }

    /// <summary>True: the run has no secret, nothing needs decoding or searching.</summary>
    internal bool IsEmpty => _search.IsEmpty;

    /// <summary>The most bytes that a stream may have to hold back.</summary>
    internal int MaxHeld => Math.Max(0, _search.MaxLength - 1);

    internal ByteSearch Search
    {
        get
        {
            // A redactor whose patterns were zeroed would let everything through.
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _search;
        }
    }

    /// <summary>A window for one stream; a pooled one, because pinned memory is dear to make.</summary>
    internal RedactionWindow RentWindow() => _windows.TryDequeue(out var window) ? window : new RedactionWindow(this);

    /// <summary>Takes back a window whose stream is read to its end; nobody else may hold it any more.</summary>
    internal void Return(RedactionWindow window)
    {
        window.Clear();
        if (_windows.Count < PooledWindows) _windows.Enqueue(window);
    }

    /// <summary>Masks a header value, a header name or a reason phrase, as Latin-1. The same object when it is clean.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    internal string? Redact(string? text)
    {
        if (text is null || IsEmpty || text.Length < Search.MinLength) return text;
        var rented = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            var bytes = rented.AsSpan(0, Encoding.Latin1.GetBytes(text, rented));
            return Redact(bytes) ? Encoding.Latin1.GetString(bytes) : text;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    /// <summary>Masks a whole text in place; true when something was masked.</summary>
    internal bool Redact(Span<byte> text)
    {
        List<ByteRange>? found = null;
        Search.FindAll(text, ref found);
        if (found is null) return false;
        var run = 0;
        Mask(text, found, ref run);
        return true;
    }

    /// <summary>
    /// Masks the ranges' bytes in <paramref name="text"/>; ranges may overlap and reach past its end.
    /// <paramref name="run"/>: how many masked bytes stand directly before the text, and after it on return.
    /// </summary>
    internal static void Mask(Span<byte> text, List<ByteRange> ranges, ref int run)
    {
        ranges.Sort((left, right) => left.Start.CompareTo(right.Start));
        var done = 0;
        foreach (var range in ranges)
        {
            if (range.Start >= text.Length) break;
            if (range.Start > done) (run, done) = (0, range.Start);
            var end = Math.Min(range.End, text.Length);
            for (; done < end; done++, run++) text[done] = run < Marker.Length ? Marker[run] : (byte)'*';
        }
        if (done < text.Length) run = 0;
    }

    public void Dispose()
    {
        _disposed = true;
        _search.Dispose();
    }
}
