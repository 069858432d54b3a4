namespace Moat.Gateway;

/// <summary>
/// Something the agent was refused, for the person at the terminal. Texts are of the agent's making where they name a
/// host, a method or a path: neutralise control characters before they reach a terminal. No text holds a secret.
/// </summary>
/// <param name="Kind">Short and stable: <c>policy</c>, <c>identity</c>, <c>protocol</c>, <c>grant</c>, <c>address</c>.</param>
/// <param name="Port">1 to 65535, or 0 where no port is known.</param>
/// <param name="Method">Null where a whole connection was refused.</param>
/// <param name="Path">Path and query as sent; null where a whole connection was refused.</param>
public sealed record Denial(
    DateTimeOffset Time,
    string Kind,
    string Host,
    int Port,
    string? Method,
    string? Path,
    string Rule,
    string Reason,
    string HowToAllow);
