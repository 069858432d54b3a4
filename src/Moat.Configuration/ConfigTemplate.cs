namespace Moat.Configuration;

/// <summary>The commented moat.yaml that <c>moat init</c> writes.</summary>
public static class ConfigTemplate
{
    /// <param name="name">A run name; see <see cref="RunNames"/>.</param>
    public static string Render(string name) => throw new NotSupportedException(name);
}
