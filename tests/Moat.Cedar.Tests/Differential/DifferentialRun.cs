using System.Globalization;

namespace Moat.Cedar.Tests.Differential;

/// <summary>How much is compared with the reference implementation, and with which seeds.</summary>
internal static class DifferentialRun
{
    // The number of generated policies; a long run sets it, and where its seeds begin, so that it does not repeat what was run before.
    private const string CountVariable = "MOAT_CEDAR_DIFFERENTIAL";
    private const string SeedVariable = "MOAT_CEDAR_SEED";
    private const long DefaultCount = 10_000;

    /// <summary>The seeds, one for so many policies.</summary>
    public static IEnumerable<int> Seeds(int policiesPerSeed)
    {
        var first = Number(SeedVariable, 0);
        for (var seed = first; seed < first + Number(CountVariable, DefaultCount) / policiesPerSeed; seed++) yield return (int)seed;
    }

    /// <summary>The number of cases of a test that compares another number than the rest in a usual run.</summary>
    public static long Cases(int usual) => usual * Number(CountVariable, DefaultCount) / DefaultCount;

    private static long Number(string variable, long otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? long.Parse(set, CultureInfo.InvariantCulture) : otherwise;
}
