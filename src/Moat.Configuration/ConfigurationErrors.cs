using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>One fault of a configuration file. Line and column count from 1.</summary>
public sealed record ConfigurationError(string File, int Line, int Column, string Problem, string Mend)
{
    /// <summary><c>file:line:col: problem; mend</c>.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}: {Problem}{(Mend.Length == 0 ? "" : "; ")}{Mend}");
}

/// <summary>What became of parsing a file: the configuration, or every fault of it in order of its place.</summary>
public sealed record ConfigurationResult(MoatConfiguration? Configuration, ImmutableArray<ConfigurationError> Errors)
{
    /// <summary>The configuration.</summary>
    /// <exception cref="MoatException">There are errors; the text has a line for each.</exception>
    public MoatConfiguration OrThrow()
        => Configuration is { } good && Errors.IsEmpty
            ? good
            : throw new MoatException(string.Join('\n', Errors), "mend the file; docs/reference/moat-yaml.md lists every field");
}
