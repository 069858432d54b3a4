namespace Moat.Gateway.Redaction;

/// <summary>
/// A response of an exchange that carried a credential cannot be looked into, so it must not be forwarded (502). The
/// message is for the agent and the person; it holds no secret.
/// </summary>
internal sealed class RedactionRefusedException(string message) : Exception(message);
