using System.Buffers;
using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>
/// The methods and paths that something is good for, compiled once. Read to the letter, on the one form of a path that
/// every server reads alike: a path without such a form is outside every scope. Thread-safe.
/// </summary>
public sealed class RequestScope
{
    private static readonly SearchValues<char> MethodCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    private readonly ImmutableArray<CompiledRequest> allowed;

    private RequestScope(ImmutableArray<CompiledRequest> allowed) => this.allowed = allowed;

    /// <summary>Compiles pairs of a method (<c>*</c> for every one) and a path with <c>*</c> for one segment and <c>**</c> for any number of them.</summary>
    /// <exception cref="MoatException">A method or a path is none.</exception>
    public static RequestScope Compile(IEnumerable<(string Method, string Path)> requests) => new([.. requests.Select(Compile)]);

    /// <param name="method">The method as it came.</param>
    /// <param name="rawTarget">The target as it came, in origin form, its query included.</param>
    public bool Allows(string method, string rawTarget)
    {
        Span<char> buffer = rawTarget.Length <= 512 ? stackalloc char[512] : new char[rawTarget.Length];
        if (!RequestPath.TryCanonicalize(rawTarget, buffer, out var path, out _)) return false;
        foreach (var request in allowed)
        {
            if (request.Matches(method, path)) return true;
        }

        return false;
    }

    private static CompiledRequest Compile((string Method, string Path) request)
    {
        if (request.Method != "*" && (request.Method.Length == 0 || request.Method.AsSpan().ContainsAnyExcept(MethodCharacters)))
            throw new MoatException($"'{Printable.Text(request.Method)}' is not a method", "write a method in upper case, or * for all");
        if (!PathPattern.TryParse(request.Path, out var path, out var error))
            throw new MoatException($"'{Printable.Text(request.Path)}' can match no request: {error}", "write a path such as /repos/*/issues or /repos/**");
        return new CompiledRequest(true, request.Method, path, "");
    }
}
