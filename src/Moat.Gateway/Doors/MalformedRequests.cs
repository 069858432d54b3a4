using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Doors;

/// <summary>
/// Hears from Kestrel what it refused by itself as no valid HTTP/1.1, so that this too is in the audit log. Kestrel tells
/// it to a diagnostic source alone; no request came to be.
/// </summary>
internal sealed class MalformedRequests(Recorder recorder) : DiagnosticSource
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public override bool IsEnabled(string name) => name == BadRequest;

    [RequiresUnreferencedCode("as the base method; nothing of the value's type is reflected on here")]
    public override void Write(string name, object? value)
    {
        if (name != BadRequest || value is not IFeatureCollection features)
            return;
        var door = features.Get<DoorConnection>();
        // Kestrel quotes no request in its messages while its logging is off.
        var reason = features.Get<IBadRequestExceptionFeature>()?.Error is BadHttpRequestException error ? error.Message : "the request is no valid HTTP/1.1";
        recorder.RequestDenied(Refusal.ByProtocol(reason), door?.Host?.Value ?? "", door?.Port ?? 0, method: "", target: "");
    }
}
