using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>An approved configuration: the workspace's real path, the file's digest, when.</summary>
public sealed record TrustEntry(string Workspace, string Digest, DateTimeOffset At);

/// <summary>Which workspaces' configurations the person approved, by content digest (<c>trust.json</c> in the data folder).</summary>
public sealed class TrustStore(string dataDirectory)
{
    /// <summary>True when this very content was approved for this workspace, or when the file lies outside the workspace, where the agent cannot write it.</summary>
    public bool IsTrusted(LoadedConfiguration file, string workspace) => throw new NotSupportedException(dataDirectory);

    /// <summary>Remembers the content; earlier contents of the workspace stay approved until revoked.</summary>
    /// <exception cref="MoatException">The store cannot be written.</exception>
    public void Trust(LoadedConfiguration file, string workspace) => throw new NotSupportedException();

    /// <summary>Forgets every approval of a workspace; false when there was none.</summary>
    /// <exception cref="MoatException">The store cannot be written.</exception>
    public bool Revoke(string workspace) => throw new NotSupportedException();

    /// <summary>All approvals, by workspace, then time.</summary>
    /// <exception cref="MoatException">The store cannot be read.</exception>
    public ImmutableArray<TrustEntry> List() => throw new NotSupportedException();
}
