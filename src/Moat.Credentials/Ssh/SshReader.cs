using System.Buffers.Binary;
using System.Text;

namespace Moat.Credentials.Ssh;

/// <summary>Reads SSH's data types (RFC 4251 §5) from memory. Once something did not fit, <see cref="Failed"/> is true and everything read is empty.</summary>
public ref struct SshReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>True when a value reached beyond the end.</summary>
    public bool Failed { get; private set; }

    /// <summary>True when everything was read and all of it fitted.</summary>
    public readonly bool IsAtEnd => !Failed && _rest.IsEmpty;

    /// <summary>What is left.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    /// <summary>Only 0 and 1 are a boolean here, so that a message has one spelling.</summary>
    public bool Boolean()
    {
        var value = Byte();
        if (value > 1) Fail();
        return value == 1;
    }

    public uint UInt32() => Take(4) is { Length: 4 } value ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;

    /// <summary>A string's bytes, without its length.</summary>
    public ReadOnlySpan<byte> String()
    {
        var length = UInt32();
        if (length <= (uint)_rest.Length) return Take((int)length);
        Fail();
        return [];
    }

    /// <summary>A string of printable ASCII; anything else fails.</summary>
    public string Text()
    {
        var bytes = String();
        if (!bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~')) return Encoding.ASCII.GetString(bytes);
        Fail();
        return "";
    }

    /// <summary>A positive multiple precision integer's magnitude, without leading zeros.</summary>
    public ReadOnlySpan<byte> Magnitude()
    {
        var bytes = String();
        if (bytes is [>= 0x80, ..]) Fail();
        return Failed ? [] : bytes.TrimStart((byte)0);
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length) Fail();
        if (Failed) return [];
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private void Fail()
    {
        Failed = true;
        _rest = [];
    }
}
