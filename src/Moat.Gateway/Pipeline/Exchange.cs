using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Moat.Gateway.Aws;
using Moat.Gateway.Captures;
using Moat.Gateway.Identity;
using Moat.Gateway.Injections;
using Moat.Gateway.Mcp;
using Moat.Gateway.Redaction;
using Moat.Gateway.WebSockets;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// One request and its response on their way through the gateway. Kestrel keeps the object with the connection (or the
/// HTTP/2 stream slot) and it is used again for the next request there, so the hot path makes little garbage.
/// </summary>
internal sealed class Exchange
{
    private long _started;
    private AwsBodies? _awsBodies;

    public Exchange()
    {
        Http = new DefaultHttpContext();
        Transformer = new ForwardTransformer(this);
    }

    public DefaultHttpContext Http { get; }

    public ForwardTransformer Transformer { get; }

    public Destination Destination { get; set; } = null!;

    /// <summary>Path and query to send upstream.</summary>
    public string Target { get; set; } = "";

    /// <summary>What this request takes of the destination's plan.</summary>
    public ImmutableArray<Injection> Injections { get; set; } = [];

    /// <summary>The grants whose credentials go along, for the record.</summary>
    public string GrantNames => Injections == Destination.Plan.All ? Destination.Plan.GrantNames : InjectionPlan.NamesOf(Injections);

    /// <summary>The body, where a credential may go into it.</summary>
    public FieldBody? Body { get; set; }

    /// <summary>Signs the request to AWS anew; null for any other request.</summary>
    public AwsSigning? Aws { get; set; }

    /// <summary>The body, where the signature to AWS had to cover it.</summary>
    public byte[]? AwsBody { get; private set; }

    /// <summary>Credentials to write, beside <see cref="Injections"/>, index by index; text, so forgotten soon.</summary>
    public string[] Credentials { get; private set; } = [];

    /// <summary>Knows at least the secrets in <see cref="Credentials"/>.</summary>
    public SecretRedactor Redactor { get; set; } = null!;

    /// <summary>Set where the answer holds tokens that are to be kept.</summary>
    public CapturePlace? Capture { get; set; }

    /// <summary>Keeps those tokens; set along with <see cref="Capture"/>.</summary>
    public CaptureBook? Book { get; set; }

    /// <summary>Knows a redactor for those tokens once they are kept; set along with <see cref="Capture"/>.</summary>
    public RunRedactor? Run { get; set; }

    /// <summary>Set while the request asks for a WebSocket or has one.</summary>
    public WebSocketRelay? WebSocket { get; set; }

    /// <summary>Set while the request is for an MCP server.</summary>
    public McpExchange? Mcp { get; set; }

    /// <summary>The statement of the Cedar policy that allowed the request; empty where none spoke of it.</summary>
    public string PolicyRule { get; set; } = "";

    /// <summary>The statement of the Cedar policy that would have denied the request, in shadow mode; otherwise empty.</summary>
    public string WouldDeny { get; set; } = "";

    /// <summary>Sequence number of the intent in the audit log; 0 before it is durable.</summary>
    public long Intent { get; set; }

    /// <summary>Body bytes from the client.</summary>
    public long BytesIn { get; set; }

    /// <summary>Body bytes to the client.</summary>
    public long BytesOut { get; set; }

    /// <summary>Milliseconds since the request's head was read.</summary>
    public long ElapsedMilliseconds => (long)Stopwatch.GetElapsedTime(_started).TotalMilliseconds;

    public void Start() => _started = Stopwatch.GetTimestamp();

    public Span<string> RentCredentials(int count)
    {
        if (Credentials.Length < count)
            Credentials = new string[count];
        return Credentials;
    }

    public void HoldAwsBody(AwsBodies bodies, byte[] body) => (_awsBodies, AwsBody) = (bodies, body);

    public void Reset()
    {
        _awsBodies?.Release(AwsBody!.Length);
        (_awsBodies, AwsBody) = (null, null);
        Aws?.Dispose();
        Aws = null;
        Http.Uninitialize();
        Array.Clear(Credentials);
        Injections = [];
        Body?.Dispose();
        Body = null;
        Destination = null!;
        Redactor = null!;
        Mcp = null;
        (Capture, Book, Run) = (null, null, null);
        WebSocket?.Dispose();
        WebSocket = null;
        Target = PolicyRule = WouldDeny = "";
        Intent = BytesIn = BytesOut = 0;
    }
}
