using System.Security.Cryptography;
using System.Text;
using Moat.Audit;
using Moat.Gateway;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>Where a run's policy came from, so that a change of it holds at once.</summary>
/// <param name="Path">Absolute path of the file, where the agent cannot write.</param>
/// <param name="Read">Reads it again; throws <see cref="MoatException"/> where it may not be used.</param>
public sealed record PolicySource(string Path, Func<string> Read);

/// <summary>
/// Takes up a run's policy whenever its file is saved. The whole of it is read and checked first: what is not in order, or
/// cannot be held, changes nothing, and is said.
/// </summary>
internal sealed class PolicyReload : IDisposable
{
    private readonly RunSpec _spec;
    private readonly PolicySource _source;
    private readonly GatewayServer _gateway;
    private readonly AuditLog _audit;
    private readonly Action<string> _say;
    private readonly FileWatch _watch;
    private PolicySpec _now;
    private string _seen;

    private PolicyReload(RunSpec spec, PolicySource source, GatewayServer gateway, AuditLog audit, Action<string> say)
    {
        (_spec, _source, _gateway, _audit, _say) = (spec, source, gateway, audit, say);
        _now = spec.Policy!;
        _seen = _now.Text;
        _watch = FileWatch.Start(new FileInfo(source.Path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? source.Path, Saved);
        // Saved between its reading and the watch's start.
        Saved();
    }

    /// <summary>Null where there is nothing to take up: no policy, no file, or a policy that is not asked.</summary>
    public static PolicyReload? Start(RunSpec spec, PolicySource? source, GatewayServer gateway, AuditLog audit, Action<string> say)
    {
        if (spec.Policy is null or { Mode: PolicyMode.Record } || source is null) return null;
        try
        {
            return new PolicyReload(spec, source, gateway, audit, say);
        }
        catch (IOException e)
        {
            say($"moat: changes of the policy are not seen: {Printable.Text(e.Message)}");
            return null;
        }
    }

    public void Dispose() => _watch.Dispose();

    private void Saved()
    {
        lock (_spec)
        {
            try
            {
                TakeUp();
            }
            catch (Exception e) when (e is MoatException or IOException or UnauthorizedAccessException)
            {
                Refuse(e.Message, e is MoatException { Mend.Length: > 0 } mendable ? mendable.Mend : "");
            }
            catch (AuditUnavailableException)
            {
                // The log announced its failure itself, and the run ends of it.
            }
        }
    }

    private void TakeUp()
    {
        var text = _source.Read();
        if (text == _seen) return;
        _seen = text;
        if (text == _now.Text) return;
        var next = _now with { Text = text };
        var compiled = PolicyStart.Recompile(_spec, _now, next);
        var ended = _gateway.ReplacePolicy(compiled);
        _now = next;
        _audit.Append(AuditTypes.PolicyReloaded, AuditPayload.Create().Add("digest", Digest(text)).Add("ended", ended).Add("policy", next.Name));
        _say($"moat: the policy {Printable.Text(next.Name)} was saved and holds from now on{(ended == 0 ? "" : ended == 1 ? "; 1 connection that it denies was ended" : $"; {ended} connections that it denies were ended")}");
    }

    private void Refuse(string problem, string mend)
    {
        _say($"moat: the saved policy is not used, the one before it goes on: {Printable.Lines(problem)}{(mend.Length > 0 ? "\n  " + Printable.Lines(mend) : "")}");
        try
        {
            _audit.Append(AuditTypes.PolicyRefused, AuditPayload.Create().Add("digest", Digest(_seen)).Add("policy", _now.Name).Add("reason", Printable.Text(problem, 500)));
        }
        catch (AuditUnavailableException)
        {
            // As above.
        }
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
