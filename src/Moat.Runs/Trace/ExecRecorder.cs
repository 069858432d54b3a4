using System.Text;
using Moat.Audit;
using Moat.Credentials;
using Moat.Linux.Confinement;
using Moat.Policy;

namespace Moat.Runs;

/// <summary>
/// Writes each exec of the agent's processes into the audit log, before it happens, and whether the kernel's rules will
/// refuse it. Secrets are masked: those that the agent holds, and those of grants, which it may have come by elsewhere.
/// </summary>
internal sealed class ExecRecorder(IReadOnlyDictionary<string, Secret> secrets, Action<string> say)
{
    /// <summary>Different denials that the person is told of.</summary>
    public const int Told = 20;

    private readonly Secret[] _secrets = [.. secrets.Values];
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Set before the first command is started.</summary>
    public AuditLog? Audit { get; set; }

    /// <summary>Masks the secrets of the run's grants. Set before the first command is started.</summary>
    public Func<string, string> Redact { get; set; } = static text => text;

    /// <summary>The policy as the kernel holds it; null without one.</summary>
    public KernelRules? Rules { get; set; }

    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it must not happen.</exception>
    public void Record(ExecAttempt attempt)
    {
        // Below a hidden folder nothing is found: then the path as given is what is refused.
        var file = attempt.File.Length > 0 ? attempt.File : Path.GetFullPath(attempt.Path, attempt.Directory.StartsWith('/') ? attempt.Directory : "/");
        var rule = Rules?.ExecDenial(file);
        var payload = AuditPayload.Create()
            .Add("arguments", [.. attempt.Arguments.Select(Mask)])
            .Add("cwd", Mask(attempt.Directory))
            .Add("file", Mask(attempt.File))
            .Add("parent", attempt.ParentPid)
            .Add("path", Mask(attempt.Path))
            .Add("pid", attempt.Pid)
            .Add("truncated", attempt.Truncated);
        Audit!.Append(rule is null ? AuditTypes.ProcessExec : AuditTypes.ProcessDenied, rule is null ? payload : payload.Add("rule", rule));
        if (rule is not null) Tell(file, rule);
    }

    private void Tell(string file, string rule)
    {
        var line = "moat: denied " + Printable.Text($"running {Mask(file)} ({rule})", 500);
        lock (_told)
        {
            if (_told.Count >= Told || !_told.Add(line)) return;
        }

        say(line);
    }

    private string Mask(string text)
    {
        text = Redact(text);
        if (_secrets.Length == 0) return text;
        var bytes = Encoding.UTF8.GetBytes(text);
        var found = false;
        foreach (var secret in _secrets)
        {
            var value = secret.Reveal();
            for (var from = 0; !value.IsEmpty && bytes.AsSpan(from).IndexOf(value) is var at and >= 0; from += at + value.Length)
            {
                bytes.AsSpan(from + at, value.Length).Fill((byte)'*');
                found = true;
            }
        }

        return found ? Encoding.UTF8.GetString(bytes) : text;
    }
}
