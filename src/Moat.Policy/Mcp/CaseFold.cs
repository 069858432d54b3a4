namespace Moat.Policy;

/// <summary>
/// What is left of a text when case is taken away as JSON readers do that match names without it: Go's takes U+017F for s and
/// U+212A for k besides.
/// </summary>
public static class CaseFold
{
    public static string Of(string text) => text.ToLowerInvariant().Replace('\u017F', 's').Replace('\u212A', 'k');
}
