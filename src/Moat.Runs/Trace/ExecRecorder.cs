using System.Text;
using Moat.Audit;
using Moat.Credentials;
using Moat.Linux.Confinement;

namespace Moat.Runs;

/// <summary>Writes each exec of the agent's processes into the audit log, before it happens. The values of secrets that the agent holds are masked.</summary>
internal sealed class ExecRecorder(IReadOnlyDictionary<string, Secret> secrets)
{
    private readonly Secret[] _secrets = [.. secrets.Values];

    /// <summary>Set before the first command is started.</summary>
    public AuditLog? Audit { get; set; }

    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it must not happen.</exception>
    public void Record(ExecAttempt attempt) => Audit!.Append(AuditTypes.ProcessExec, AuditPayload.Create()
        .Add("arguments", [.. attempt.Arguments.Select(Mask)])
        .Add("cwd", Mask(attempt.Directory))
        .Add("file", Mask(attempt.File))
        .Add("parent", attempt.ParentPid)
        .Add("path", Mask(attempt.Path))
        .Add("pid", attempt.Pid)
        .Add("truncated", attempt.Truncated));

    private string Mask(string text)
    {
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
