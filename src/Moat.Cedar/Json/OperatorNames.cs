using System.Collections.Frozen;

namespace Moat.Cedar;

/// <summary>What operators of two operands are called, in the JSON form and, for infix ones, in Cedar itself.</summary>
internal static class OperatorNames
{
    private static readonly string[] Names =
        ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "contains", "containsAll", "containsAny", "getTag", "hasTag"];

    private static readonly FrozenDictionary<string, BinaryOperator> ByName =
        Enum.GetValues<BinaryOperator>().ToFrozenDictionary(static o => Names[(int)o]);

    public static string Name(this BinaryOperator symbol) => Names[(int)symbol];

    public static BinaryOperator? Find(string name) => ByName.TryGetValue(name, out var symbol) ? symbol : null;
}
