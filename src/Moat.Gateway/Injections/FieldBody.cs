using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Injections;

/// <summary>
/// A request body that a credential may go into. It is read whole, up to <see cref="MaxLength"/>, before anything of the
/// request leaves; only what stands in a declared field is replaced, every other byte stays. A body in another type or
/// in a content coding is not looked into: a placeholder in it stays inert.
/// </summary>
internal sealed class FieldBody : IDisposable
{
    /// <summary>Bytes of a body that can be looked into.</summary>
    public const int MaxLength = 1024 * 1024;

    private readonly byte[] _bytes;
    private readonly InjectionSlot _slot;
    private byte[] _written = [];

    private FieldBody(byte[] bytes, InjectionSlot slot) => (_bytes, _slot) = (bytes, slot);

    /// <summary>Bytes that came from the client.</summary>
    public int Length => _bytes.Length;

    /// <summary>Reads the body when a binding of the plan may be in it; no body and no refusal when none is.</summary>
    public static async ValueTask<(FieldBody? Body, Refusal? Refusal)> ReadAsync(InjectionPlan plan, string method, string target, HttpRequest request)
    {
        if (SlotOf(request) is not { } slot)
            return default;
        foreach (var injection in plan.All)
        {
            if (injection.Binding.Slot == slot && injection.Covers(method, target))
                return await ReadAsync(injection, slot, request);
        }
        return default;
    }

    /// <summary>How often the injection's field holds its placeholder.</summary>
    public int Count(Injection injection)
    {
        if (injection.Binding.Slot != _slot)
            return 0;
        return _slot == InjectionSlot.FormField
            ? QuerySlot.CountPairs(Encoding.Latin1.GetString(_bytes), injection.Binding.Name, injection.Placeholder)
            : FindInJson(injection).Count;
    }

    /// <summary>The body to send. It holds the credentials, and is zeroed when this is disposed.</summary>
    public byte[] Write(ReadOnlySpan<Injection> injections, ReadOnlySpan<string> values)
    {
        _written = _slot == InjectionSlot.FormField ? WriteForm(injections, values) : WriteJson(injections, values);
        return _written;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_written);

    private static InjectionSlot? SlotOf(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0)
            return null;
        var type = request.ContentType.AsSpan();
        var end = type.IndexOf(';');
        type = (end < 0 ? type : type[..end]).Trim();
        if (type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
            return InjectionSlot.FormField;
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
            ? InjectionSlot.JsonField : null;
    }

    private static async ValueTask<(FieldBody? Body, Refusal? Refusal)> ReadAsync(Injection injection, InjectionSlot slot, HttpRequest request)
    {
        if (request.ContentLength > MaxLength)
            return (null, TooLong(injection));
        while (true)
        {
            var result = await request.BodyReader.ReadAsync();
            if (result.Buffer.Length > MaxLength)
            {
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return (null, TooLong(injection));
            }
            if (result.IsCompleted)
            {
                var bytes = result.Buffer.ToArray();
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return (new FieldBody(bytes, slot), null);
            }
            request.BodyReader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static Refusal TooLong(Injection injection) => new(
        413,
        DenialKind.Grant,
        $"grant {injection.Grant.Name}",
        $"the grant {injection.Grant.Name} goes into the {injection.Binding.Describe()}, and this body is longer than the {MaxLength / 1024} KiB that the gateway looks into",
        "send the credential in a request of its own with a shorter body");

    private byte[] WriteForm(ReadOnlySpan<Injection> injections, ReadOnlySpan<string> values)
    {
        var text = Encoding.Latin1.GetString(_bytes);
        for (var i = 0; i < injections.Length; i++)
        {
            if (injections[i].Binding.Slot == InjectionSlot.FormField)
                text = QuerySlot.ReplaceInPairs(text, injections[i].Binding.Name, injections[i].Placeholder, values[i]);
        }
        return Encoding.Latin1.GetBytes(text);
    }

    private byte[] WriteJson(ReadOnlySpan<Injection> injections, ReadOnlySpan<string> values)
    {
        var splices = new List<(Range Place, JsonEncodedText Text)>();
        for (var i = 0; i < injections.Length; i++)
        {
            if (injections[i].Binding.Slot != InjectionSlot.JsonField)
                continue;
            foreach (var place in FindInJson(injections[i]))
                splices.Add((place, JsonEncodedText.Encode(values[i])));
        }
        splices.Sort((left, right) => left.Place.Start.Value.CompareTo(right.Place.Start.Value));
        var result = new byte[_bytes.Length + splices.Sum(splice => splice.Text.EncodedUtf8Bytes.Length)];
        var (from, to) = (0, 0);
        foreach (var (place, text) in splices)
        {
            _bytes.AsSpan(from, place.Start.Value - from).CopyTo(result.AsSpan(to));
            to += place.Start.Value - from;
            text.EncodedUtf8Bytes.CopyTo(result.AsSpan(to));
            (from, to) = (place.End.Value, to + text.EncodedUtf8Bytes.Length);
        }
        _bytes.AsSpan(from).CopyTo(result.AsSpan(to));
        to += _bytes.Length - from;
        if (to == result.Length)
            return result;
        var exact = result.AsSpan(0, to).ToArray();
        CryptographicOperations.ZeroMemory(result);
        return exact;
    }

    /// <summary>Where the text of the field stands, without its quotes. What is no JSON holds none.</summary>
    private List<Range> FindInJson(Injection injection)
    {
        var found = new List<Range>();
        // Null stands for a list: what is in one is no field.
        var names = new Stack<string?>();
        var reader = new Utf8JsonReader(_bytes);
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        names.Push(reader.GetString()!);
                        continue;
                    case JsonTokenType.StartObject:
                        continue;
                    case JsonTokenType.StartArray:
                        names.Push(null);
                        continue;
                    case JsonTokenType.EndArray:
                        names.Pop();
                        break;
                    case JsonTokenType.String when reader.ValueTextEquals(injection.Placeholder) && IsAt(names, injection.Binding.Name):
                        var start = (int)reader.TokenStartIndex + 1;
                        found.Add(start..(start + reader.ValueSpan.Length));
                        break;
                }
                // A value or the end of an object or of a list: the name that it belongs to is done.
                if (names.Count > 0 && names.Peek() is not null)
                    names.Pop();
            }
        }
        catch (JsonException)
        {
            // A server that reads on where JSON ends gets the placeholder.
            return [];
        }
        return found;
    }

    private static bool IsAt(Stack<string?> names, string field) => names.Reverse().SequenceEqual(field.Split('.'), StringComparer.Ordinal);
}
