namespace Moat.Policy;

/// <summary>One answer and the way to it.</summary>
/// <param name="Governed">False when no statement speaks of the action.</param>
/// <param name="Determining">The statements that made the answer: those that forbid, or else those that permit.</param>
/// <param name="Errors">Statements that could not be evaluated, and why; they took no part.</param>
/// <param name="HostIsIn">The zones, prefixes and endpoints of the policy that hold the host.</param>
public sealed record PolicyExplanation(Decision Decision, bool Governed, IReadOnlyList<PolicyStep> Determining, IReadOnlyList<string> Errors, IReadOnlyList<string> HostIsIn);

/// <summary>A statement that made an answer.</summary>
/// <param name="Effect"><c>permitted</c> or <c>forbidden</c>.</param>
/// <param name="Rule"><c>policy0 (file.cedar:3)</c>.</param>
public sealed record PolicyStep(string Effect, string Rule);
