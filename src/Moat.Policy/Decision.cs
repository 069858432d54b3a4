namespace Moat.Policy;

/// <summary>
/// One answer. <paramref name="Rule"/> names the rule and its origin (<c>*.example.org (moat.yaml:12)</c>) or
/// <c>default</c>; a denial says why and what a person would write to allow it. The texts hold no control character.
/// </summary>
public readonly record struct Decision(bool Allowed, string Rule, string Reason, string HowToAllow);
