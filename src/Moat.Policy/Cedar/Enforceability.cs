using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Which statements this version can hold on any host: those about connections, requests, credentials and the tools of MCP
/// servers that are reached over HTTP, at the gateway, and those about files and programs by path, as far as
/// <see cref="FileLowering"/> goes. Any other is an error at start, unless the person goes without it by name.
/// </summary>
internal static class Enforceability
{
    public const string Code = "unenforceable";

    public static IEnumerable<PolicyNote> Check(Cedar.Policy policy)
    {
        if (FileStatements.NeedsProcess(policy) is { } process)
        {
            var exec = ActionScope.Of(policy).Contains("ProcessExec");
            yield return PolicyNote.At(PolicyNoteLevel.Error, Code, policy, process,
                $"the statement {policy.Id} tells {(exec ? "programs apart by their arguments, their folder" : "files apart")} or by the process that asks, which needs BPF LSM; no such rung is in this version",
                $"say it by path, or accept that it does not hold: --downgrade {(exec ? "policy-exec" : "policy-files")}", exec ? "policy-exec" : "policy-files");
        }

        // A blanket permit takes nothing away; a blanket forbid would.
        if (ActionScope.IsNarrow(policy) || policy.Effect == Effect.Forbid)
        {
            foreach (var group in ActionScope.Of(policy).Select(action => Lack(action, policy.Effect)).OfType<(string What, string Rung, string Downgrade)>().Distinct())
            {
                yield return PolicyNote.At(PolicyNoteLevel.Error, Code, policy, policy.Span,
                    $"the statement {policy.Id} is about {group.What}, which needs {group.Rung}; no such rung is in this version",
                    $"take it out, or accept that it does not hold: --downgrade {group.Downgrade}", group.Downgrade);
            }
        }

        if ((ActionScope.IsNarrow(policy) || policy.Effect == Effect.Forbid) && ActionScope.Of(policy).Contains(PolicyVocabulary.McpCall) && McpReach.Lack(policy) is var (place, lack, mend))
        {
            yield return PolicyNote.At(PolicyNoteLevel.Error, Code, policy, place, $"the statement {policy.Id} {lack}",
                $"{mend}, or accept that it does not hold there: --downgrade {McpReach.Downgrade}", McpReach.Downgrade);
        }

        if (AddressUse.NeedsResolved(policy) is { } span)
        {
            yield return PolicyNote.At(PolicyNoteLevel.Error, Code, policy, span,
                $"the statement {policy.Id} tells hosts apart by their address, which the gateway knows only of hosts that are asked for by it; a name that leads to the address would pass",
                "name the hosts, or accept that it holds for literal addresses alone: --downgrade policy-addresses", "policy-addresses");
        }
    }

    private static (string What, string Rung, string Downgrade)? Lack(string action, Effect effect) => action switch
    {
        PolicyVocabulary.NetworkConnect or PolicyVocabulary.HttpRequest or PolicyVocabulary.CredentialUse or PolicyVocabulary.McpCall => null,

        // By path, which the start of a run looks into: FileLowering.
        "ProcessExec" or "FileOpen" or "FileOpenReadOnly" or "FileOpenReadWrite" or "FileCreate" or "FileDelete" or "FileRename" => null,
        // Nothing rewrites, so a forbid holds.
        "HttpRewrite" => effect == Effect.Forbid ? null : ("headers to set", "a rewriter in the gateway (a grant sets a credential)", "policy-rewrite"),
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, "no action of the vocabulary"),
    };
}
