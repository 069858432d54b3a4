namespace Moat.Audit;

/// <summary>The record types that Moat writes. An outcome's payload holds <c>intent</c>: the intent's sequence number.</summary>
public static class AuditTypes
{
    /// <summary>Always the first record; the payload's <c>spec</c> is the digest of the run spec.</summary>
    public const string RunCreated = "run.created";

    /// <summary>Always the last record of a sealed log.</summary>
    public const string RunSealed = "run.sealed";

    public const string RequestIntent = "request.intent";
    public const string RequestOutcome = "request.outcome";
    public const string RequestDenied = "request.denied";
    public const string SessionIntent = "session.intent";
    public const string SessionOutcome = "session.outcome";
    public const string StartIntent = "start.intent";
    public const string StartOutcome = "start.outcome";
    public const string ExecIntent = "exec.intent";
    public const string ExecOutcome = "exec.outcome";

    /// <summary>A process of the agent is about to run a program.</summary>
    public const string ProcessExec = "process.exec";

    /// <summary>The kernel will refuse the program that a process of the agent is about to run.</summary>
    public const string ProcessDenied = "process.denied";

    /// <summary>A policy over files and programs was made into rules of the kernel.</summary>
    public const string PolicyEnforced = "policy.enforced";
    public const string CredentialUse = "credential.use";
    public const string DnsQuery = "dns.query";

    /// <summary>A connection that is relayed as it is (SSH).</summary>
    public const string ConnectIntent = "connect.intent";
    public const string ConnectOutcome = "connect.outcome";

    /// <summary>A signature with a granted key: who logs in where, or a commit.</summary>
    public const string SignatureIntent = "signature.intent";
    public const string SignatureOutcome = "signature.outcome";
    public const string SignatureDenied = "signature.denied";

    /// <summary>A message to an MCP server; a request's intent follows where it went out.</summary>
    public const string McpCall = "mcp.call";

    /// <summary>An MCP server described a tool in another way than before.</summary>
    public const string McpToolChanged = "mcp.tool-changed";

    /// <summary>The policy's file was saved, and what it says holds from here on.</summary>
    public const string PolicyReloaded = "policy.reloaded";

    /// <summary>The policy's file was saved and cannot be used; the policy before it goes on.</summary>
    public const string PolicyRefused = "policy.refused";

    public const string ConnectDenied = "connect.denied";

    /// <summary>Whether a record of this type promises that an outcome follows.</summary>
    public static bool IsIntent(string type) => type.EndsWith(".intent", StringComparison.Ordinal);

    /// <summary>Whether a record of this type closes an intent.</summary>
    public static bool IsOutcome(string type) => type.EndsWith(".outcome", StringComparison.Ordinal);

    /// <summary>Whether a record of this type ends the log.</summary>
    public static bool IsSeal(string type) => type.EndsWith(".sealed", StringComparison.Ordinal);
}
