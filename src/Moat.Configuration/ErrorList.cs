using System.Collections.Immutable;

namespace Moat.Configuration;

/// <summary>The faults of one file as they are found.</summary>
internal sealed class ErrorList(string file)
{
    // A person mends a few and tries again; a file made to flood the terminal does not get further.
    private const int Max = 100;
    private readonly List<ConfigurationError> _errors = [];

    public string File { get; } = file;

    public void Add(Node at, string problem, string mend) => Add(at.Line, at.Column, problem, mend);

    public void Add(int line, int column, string problem, string mend)
    {
        if (_errors.Count < Max) _errors.Add(new ConfigurationError(File, line, column, problem, mend));
    }

    /// <summary>In order of their place.</summary>
    public ImmutableArray<ConfigurationError> ToSorted() => [.. _errors.OrderBy(e => e.Line).ThenBy(e => e.Column)];
}
