namespace Moat.Audit;

/// <summary>
/// Builds one record's payload as canonical JSON (RFC 8785). Keys come in any order. The buffers are pooled per thread:
/// a payload is used once, by the append that takes it, and not after.
/// </summary>
public readonly struct AuditPayload
{
    private readonly PayloadBuilder _builder;
    private readonly int _use;

    private AuditPayload(PayloadBuilder builder)
    {
        _builder = builder;
        _use = builder.Use;
    }

    /// <summary>An empty payload to add to.</summary>
    public static AuditPayload Create() => new(PayloadBuilder.Rent());

    /// <summary>A string; null becomes JSON null. Control characters are escaped, lone surrogates replaced by U+FFFD.</summary>
    /// <exception cref="ArgumentException">The key is there already (so for every Add).</exception>
    public AuditPayload Add(string key, string? value)
    {
        if (value is null)
            return Raw(key, "null"u8);
        var output = Builder.Begin(key);
        CanonicalWriter.String(output, value);
        return End();
    }

    /// <inheritdoc cref="Add(string, string?)"/>
    public AuditPayload Add(string key, ReadOnlySpan<char> value)
    {
        var output = Builder.Begin(key);
        CanonicalWriter.String(output, value);
        return End();
    }

    /// <summary>An integer. Beyond ±(2^53-1) it is written as a string of digits (RFC 8785 section 3.2.2.3).</summary>
    public AuditPayload Add(string key, long value)
    {
        var output = Builder.Begin(key);
        CanonicalWriter.Integer(output, value);
        return End();
    }

    public AuditPayload Add(string key, bool value) => Raw(key, value ? "true"u8 : "false"u8);

    /// <summary>An array of strings.</summary>
    public AuditPayload Add(string key, IReadOnlyList<string> values)
    {
        var output = Builder.Begin(key);
        output.Add((byte)'[');
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0)
                output.Add((byte)',');
            CanonicalWriter.String(output, values[i]);
        }
        output.Add((byte)']');
        return End();
    }

    /// <summary>A nested object, which is used up; at most 30 deep.</summary>
    public AuditPayload Add(string key, AuditPayload value)
    {
        var inner = value.Builder;
        if (ReferenceEquals(inner, _builder))
            throw new ArgumentException("A payload cannot hold itself.", nameof(value));
        Builder.AddObject(key, inner);
        inner.Return();
        return End();
    }

    internal PayloadBuilder Builder => _builder is not null && _builder.Use == _use
        ? _builder
        : throw new InvalidOperationException("An audit payload is used once, and starts with AuditPayload.Create().");

    private AuditPayload Raw(string key, ReadOnlySpan<byte> value)
    {
        Builder.Begin(key).Add(value);
        return End();
    }

    private AuditPayload End()
    {
        _builder.End();
        return this;
    }
}
