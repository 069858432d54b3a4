using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Moat.Kernel.Lsm;
using Moat.Spec;

namespace Moat.Kernel;

/// <summary>The connect rules as the kernel's longest-prefix table: each network with its own rules, then those of the wider networks around it.</summary>
internal static class ConnectTable
{
    /// <exception cref="MoatException">A rule that cannot be held.</exception>
    public static Dictionary<NetKey, PortRule[]> Build(IReadOnlyList<KernelConnectRule> rules)
    {
        var networks = rules.GroupBy(rule => KeyOf(rule.Network)).ToDictionary(group => group.Key, group => group.ToArray());
        var table = new Dictionary<NetKey, PortRule[]>();
        foreach (var key in networks.Keys)
        {
            var entries = networks
                .Where(other => other.Key.Holds(key))
                .OrderByDescending(other => other.Key.Prefix)
                .SelectMany(other => other.Value.OrderBy(rule => rule.High - rule.Low).ThenBy(rule => rule.Transport == KernelTransport.Any).ThenBy(rule => rule.Allow))
                .Select(Entry).Distinct().ToArray();
            if (entries.Length > NetRules.Maximum)
            {
                throw new MoatException(string.Create(CultureInfo.InvariantCulture, $"the kernel cannot hold {entries.Length} connect rules on one address; it holds {NetRules.Maximum}"),
                    "Join ranges of ports, or have the gateway judge them.");
            }

            table[key] = entries;
        }

        return table;
    }

    private static PortRule Entry(KernelConnectRule rule)
    {
        if (rule.Low is < 0 or > 65535 || rule.High > 65535 || rule.High < rule.Low) throw new MoatException($"{rule.Low}-{rule.High} is no range of ports", "Ports go from 0 to 65535.");
        return new PortRule { Low = (ushort)rule.Low, High = (ushort)rule.High, Protocol = (byte)rule.Transport, Allow = (byte)(rule.Allow ? 1 : 0), Used = 1 };
    }

    private static NetKey KeyOf(IPNetwork network)
    {
        var old = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var bytes = (old ? network.BaseAddress.MapToIPv6() : network.BaseAddress).GetAddressBytes();
        return new NetKey((uint)(network.PrefixLength + (old ? 96 : 0)), bytes);
    }
}
