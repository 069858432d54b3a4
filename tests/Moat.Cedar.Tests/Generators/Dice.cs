namespace Moat.Cedar.Tests.Generators;

/// <summary>A seeded source of choices.</summary>
internal sealed class Dice(int seed)
{
    private readonly Random random = new(seed);

    public int Upto(int most) => random.Next(most + 1);

    /// <summary>True so many times of a hundred.</summary>
    public bool Chance(int percent) => random.Next(100) < percent;

    public T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];

    /// <summary>Some of them, perhaps none, in their order.</summary>
    public List<T> Some<T>(IEnumerable<T> from, int percent) => [.. from.Where(_ => Chance(percent))];

    public static string Quote(string text) => CedarString.Quote(text);
}
