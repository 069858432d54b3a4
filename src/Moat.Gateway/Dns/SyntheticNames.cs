using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Moat.Gateway.Dns;

/// <summary>
/// Gives each name of the run its own address out of 198.18.0.0/15 (RFC 2544: never routed) and its twin in a ULA prefix
/// (RFC 4193), and knows the name of an address again. A pair stays for the whole run. Thread-safe.
/// </summary>
internal sealed class SyntheticNames
{
    /// <summary>More names than this a run cannot get: the table must not grow by the agent's will.</summary>
    internal const int MaxNames = 65_536;

    private const uint First = 0xC612_0001; // 198.18.0.1

    private static ReadOnlySpan<byte> Prefix => [0xFD, 0x6D, 0x6F, 0x61, 0x74, 0, 0, 0, 0, 0, 0, 0]; // fd6d:6f61:7400::/96

    private readonly ConcurrentDictionary<string, uint> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly Lock _gate = new();

    /// <summary>The addresses of a name (lower case, without a final dot). False: the run has used up its names.</summary>
    internal bool TryGet(string name, [NotNullWhen(true)] out IPAddress? v4, [NotNullWhen(true)] out IPAddress? v6)
    {
        (v4, v6) = (null, null);
        if (!_numbers.TryGetValue(name, out var number))
        {
            lock (_gate)
            {
                if (!_numbers.TryGetValue(name, out number))
                {
                    if (_names.Count == MaxNames) return false;
                    number = (uint)_names.Count;
                    _names.Add(name);
                    _numbers[name] = number;
                }
            }
        }
        Span<byte> bytes = stackalloc byte[16];
        Prefix.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], First + number);
        v4 = new IPAddress(bytes[12..]);
        v6 = new IPAddress(bytes);
        return true;
    }

    /// <summary>The name that was given this address; false for one that was given to none.</summary>
    internal bool TryFind(IPAddress address, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length)) return false;
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !bytes.StartsWith(Prefix)) return false;
        var number = BinaryPrimitives.ReadUInt32BigEndian(bytes[(length - 4)..]) - First;
        lock (_gate)
        {
            if (number >= (uint)_names.Count) return false;
            name = _names[(int)number];
            return true;
        }
    }

    /// <summary>True for an address of the two ranges, given out or not.</summary>
    internal static bool IsSynthetic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length)) return false;
        return length == 4 ? bytes[0] == 198 && (bytes[1] & 0xFE) == 18 : bytes.StartsWith(Prefix);
    }
}
