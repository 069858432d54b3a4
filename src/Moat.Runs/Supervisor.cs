using System.Collections.Immutable;
using System.Security.Cryptography;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway;
using Moat.Policy;
using Moat.Sandboxes;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>
/// One run from its first record to its seal.
/// <code>
///   (1) claim ─► (2) grants ─┬─► (3) sandbox: namespaces, mounts, init ─────────┐
///    folder, name, workspace ├─► (4) audit log: run.created ─► gateway made ────┼─► (5) gateway on the sandbox's sockets
///                            └─► run's CA, git's name: files of the sandbox ────┘            │
///   (9) all down, sealed ◄─ (8) start.outcome ◄─ (7) agent, pumped ◄─ (6) start.intent, durable
/// </code>
/// (3) and (4) go on side by side: an empty sandbox has no effect that a record would have to come before. A step that fails ends the run: what was built is taken down in reverse, the log is sealed with the reason, and the
/// agent never starts unless every step before it stood.
/// </summary>
public sealed class Supervisor : IAsyncDisposable
{
    /// <summary>Exit code of a run that Moat itself ended.</summary>
    public const int MoatFailed = 125;

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(5);
    private readonly SupervisorOptions _options;
    private readonly RunClaim _claim;
    private readonly TaskCompletionSource<RunEnd> _abort = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Func<ValueTask>> _down = [];
    private readonly List<Func<ValueTask>> _logDown = [];
    private AuditLog? _audit;
    private Sandbox? _sandbox;
    private SandboxProcess? _agent;

    private Supervisor(SupervisorOptions options, RunClaim claim)
    {
        _options = options;
        _claim = claim;
    }

    /// <summary>Begins early what every start waits for.</summary>
    public static void WarmUp() => Bubblewrap.WarmUp();

    /// <summary>Runs the spec's command in the foreground: this process' streams are the agent's.</summary>
    /// <returns>The agent's exit code, or <see cref="MoatFailed"/> when Moat had to end the run.</returns>
    /// <exception cref="MoatException">The run could not be started; nothing of it is left running.</exception>
    public static async Task<int> RunAsync(SupervisorOptions options, CancellationToken ct = default)
    {
        GatewayProcess.Prepare();

        // 1
        var supervisor = new Supervisor(options, new RunStore(options.StateDirectory).Create(options.Spec));
        await using (supervisor.ConfigureAwait(false))
        {
            RunEnd end;
            try
            {
                end = await supervisor.GoAsync(ct).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                await supervisor.EndAsync(new RunEnd(MoatFailed, e.Message)).ConfigureAwait(false);
                if (e is MoatException or OperationCanceledException) throw;
                throw new MoatException($"the run could not be started: {e.Message}", "run `moat doctor` to see what this host lacks", inner: e);
            }

            await supervisor.EndAsync(end).ConfigureAwait(false);
            return end.ExitCode;
        }
    }

    public ValueTask DisposeAsync()
    {
        _claim.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<RunEnd> GoAsync(CancellationToken ct)
    {
        var spec = _options.Spec;
        var init = _options.InitPath ?? InitProgram.Find();
        var makingAuthority = Task.Run(() => RunAuthority.Create(spec.Id), ct);
        _down.Add(() => DisposeMadeAsync(makingAuthority, Dispose));

        // 2
        if (!spec.Grants.IsEmpty) await RefreshBroker.EnsureFreshAsync(spec.Grants, _options.Vault, _options.Catalog(), ct: ct).ConfigureAwait(false);
        var grants = Unlock(spec);

        var requestPolicy = PolicyStart.Compile(spec);

        // 3
        var recorder = new ExecRecorder(_options.Secrets, _options.Say);
        var starting = StartSandbox(init, grants, makingAuthority, recorder, ct);
        _down.Add(() => DisposeMadeAsync(starting, made => made.DisposeAsync()));

        // 4
        var audit = recorder.Audit = OpenAudit();
        var created = AuditPayload.Create()
            .Add("downgrades", spec.Downgrades).Add("exposed_secrets", [.. spec.Secrets.Where(secret => secret.Expose).Select(secret => secret.Name)])
            .Add("grants", _claim.State.Grants).Add("id", spec.Id).Add("name", spec.Name).Add("spec", _claim.SpecDigest);
        if (spec.Policy is { } policy) created = created.Add("policy", policy.Name).Add("policy_mode", policy.Mode.ToString().ToLowerInvariant());
        audit.Append(AuditTypes.RunCreated, created);
        if (recorder.Rules is { } rules) audit.Append(AuditTypes.PolicyEnforced, PolicyFence.Payload(rules));
        var denials = new DenialLines(_options.Say, TimeProvider.System);
        var gateway = GatewayServer.Create(new GatewayOptions
        {
            Policy = NetworkPolicy.Compile(spec.Network),
            RequestPolicy = requestPolicy,
            ShadowsRequestPolicy = spec.Policy is { Mode: PolicyMode.Shadow },
            Grants = grants,
            SshAgentSocket = Environment.GetEnvironmentVariable(SshFiles.Variable.Key),
            Audit = audit,
            Authority = await makingAuthority.ConfigureAwait(false),
            Network = spec.Network,
            OnDenied = denials.Tell,
            McpPins = McpPinFolder.In(_options.StateDirectory),
            OnNotice = _options.Say,
        });
        _down.Add(gateway.DisposeAsync);
        recorder.Redact = gateway.Redact;
        var sandbox = _sandbox = await starting.ConfigureAwait(false);
        foreach (var line in MissingProtections.Lines(sandbox.Missing, sandbox.Protections)) _options.Say(line);

        // 5
        await gateway.ServeAsync(Listeners(sandbox.Listeners), ct).ConfigureAwait(false);

        if (PolicyReload.Start(spec, _options.PolicySource, gateway, audit, _options.Say) is { } reload) _down.Add(() => Dispose(reload));

        // 6
        var intent = await audit.AppendIntentAsync(AuditTypes.StartIntent, AuditPayload.Create()
            .Add("command", spec.Command).Add("missing", sandbox.Missing).Add("protections", sandbox.Protections).Add("tty", spec.Interactive), ct).ConfigureAwait(false);

        // 7
        var end = await RunAgentAsync(sandbox, grants, ct).ConfigureAwait(false);
        if (denials.Unshown > 0) _options.Say($"moat: the log has {denials.Unshown} denials more: moat trace {spec.Id} --network");

        // 8
        TryAppend(audit, AuditTypes.StartOutcome, AuditPayload.Create().Add("exit_code", end.ExitCode).Add("intent", intent));
        return end;
    }

    private Task<Sandbox> StartSandbox(string init, IReadOnlyList<UnlockedGrant> grants, Task<RunAuthority> authority, ExecRecorder recorder, CancellationToken ct)
    {
        var spec = _options.Spec;
        var gitConfig = GitIdentity.File(SshFiles.GitConfig(grants), ct);
        Directory.CreateDirectory(_claim.Folder.SandboxPath, RunFolder.Private);
        ImmutableArray<SandboxFile> files = [.. TrustStores.Files(authority), gitConfig, .. GrantFiles.Of(grants), .. SshFiles.Of(grants)];
        recorder.Rules = PolicyFence.Lower(spec, files);
        return Bubblewrap.StartAsync(new SandboxOptions
        {
            Spec = spec,
            StateDirectory = _claim.Folder.SandboxPath,
            Files = files,
            Fence = recorder.Rules is { } rules ? PolicyFence.Of(rules) : null,
            Ssh = SshFiles.AreWanted(grants),
            Env = AgentEnvironment.Of(spec, grants, _options.Secrets, Environment.GetEnvironmentVariable, HostVariables()),
            ExtraPorts = [.. grants.Select(grant => grant.Database?.Port).OfType<int>().Distinct()],
            InitPath = init,
            OnExec = recorder.Record,
        }, ct);
    }

    private async Task<RunEnd> RunAgentAsync(Sandbox sandbox, IReadOnlyList<UnlockedGrant> grants, CancellationToken ct)
    {
        var spec = _options.Spec;
        using var log = new RunLog(_claim.Folder.LogPath, new LogRedactor(grants));
        var agent = _agent = await sandbox.StartAgentAsync(spec.Interactive ? TerminalMode.Size() : null, ct).ConfigureAwait(false);
        _claim.Update(state => state with { State = RunPhase.Running, StartedAt = DateTimeOffset.UtcNow, Protections = sandbox.Protections });
        var control = ControlServer.Start(_claim.Folder, HandleAsync);
        await using (control.ConfigureAwait(false))
        using (spec.Interactive ? TerminalMode.EnterRaw() : null)
        using (new SignalForwarder(agent, spec.Interactive))
        {
            var pump = new AgentPump(agent, log, Streams.OfProcess()).RunAsync();
            var first = await Task.WhenAny(agent.Exited, _abort.Task).ConfigureAwait(false);
            var end = first == _abort.Task ? await _abort.Task.ConfigureAwait(false) : new RunEnd(await agent.Exited.ConfigureAwait(false), null);
            // What the agent left running ends with it; only then do its outputs end.
            await sandbox.KillAsync().ConfigureAwait(false);
            await Task.WhenAny(pump, Task.Delay(s_drain, CancellationToken.None)).ConfigureAwait(false);
            if (log.Failure is { } failure) _options.Say($"moat: the output log is incomplete: {failure.Message}");
            return end;
        }
    }

    private AuditLog OpenAudit()
    {
        var key = AuditKeys.LoadOrCreate(_options.DataDirectory);
        _logDown.Add(() => Dispose(key));
        var audit = AuditLog.Create(_claim.Folder.AuditPath, new AuditOptions { Origin = AuditKeys.OriginOf(_options.Spec.Id), Key = key, WitnessPath = _claim.Folder.WitnessPath });
        _audit = audit;
        _logDown.Add(audit.DisposeAsync);
        audit.Failed += OnAuditFailed;
        return audit;
    }

    private IReadOnlyList<UnlockedGrant> Unlock(RunSpec spec)
    {
        if (spec.Grants.IsEmpty && spec.Secrets.IsEmpty) return [];
        Span<byte> runKey = stackalloc byte[32];
        RandomNumberGenerator.Fill(runKey);
        try
        {
            var grants = spec.Grants.IsEmpty ? [] : GrantUnlocker.Unlock(spec, _options.Vault, _options.Catalog(), runKey);
            foreach (var grant in grants) _down.Add(() => Dispose(grant));
            var watch = GrantWatch.Start(_options.Vault, grants);
            _down.Add(() => Dispose(watch));
            _down.Add(RefreshBroker.Start(_options.Vault, grants).DisposeAsync);
            return [.. grants, .. Secrets(spec, runKey)];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(runKey);
        }
    }

    private List<UnlockedGrant> Secrets(RunSpec spec, ReadOnlySpan<byte> runKey)
    {
        var secrets = new List<UnlockedGrant>();
        foreach (var secret in spec.Secrets.Where(secret => !secret.Expose))
        {
            var grant = SecretGrants.Unlock(secret, Secret.Copy(_options.Secrets[secret.Name].Reveal()), runKey);
            _down.Add(() => Dispose(grant));
            secrets.Add(grant);
        }

        return secrets;
    }

    // Nothing can be recorded any more: the agent stops where it is before it can act, and the run ends.
    private void OnAuditFailed(Exception reason)
    {
        var problem = $"the audit log cannot be written: {reason.Message}";
        _options.Say($"moat: {problem}\n  the run is frozen and ends now; free some space, then start it again");
        _ = Task.Run(async () =>
        {
            try
            {
                if (_sandbox is { } sandbox) await sandbox.FreezeAsync().ConfigureAwait(false);
            }
            finally
            {
                _abort.TrySetResult(new RunEnd(MoatFailed, problem));
            }
        });
    }

    private async Task<string> HandleAsync(string request, CancellationToken ct)
    {
        if (request == "status") return RunStore.PhaseText(_claim.State.State);
        if (!request.StartsWith("stop ", StringComparison.Ordinal) || !int.TryParse(request.AsSpan(5), out var seconds) || _agent is not { } agent) return "unknown request";
        await agent.SignalAsync(15).ConfigureAwait(false);
        var grace = Task.Delay(TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 3600)), ct);
        if (await Task.WhenAny(agent.Exited, grace).ConfigureAwait(false) == grace) _abort.TrySetResult(new RunEnd(128 + 9, null));
        return "stopped";
    }

    // 9
    private async Task EndAsync(RunEnd end)
    {
        for (var i = _down.Count - 1; i >= 0; i--) await TakeDownAsync(_down[i]).ConfigureAwait(false);
        var clearing = Task.Run(() => TakeDownAsync(ClearAsync));

        // The log comes down last, after what the rest still records.
        if (_audit is { Failure: null } audit)
        {
            try
            {
                await audit.SealAsync(AuditTypes.RunSealed, AuditPayload.Create().Add("error", end.Error).Add("exit_code", end.ExitCode)).ConfigureAwait(false);
            }
            catch (AuditUnavailableException e)
            {
                end = end with { ExitCode = MoatFailed, Error = end.Error ?? e.Message };
            }
        }

        for (var i = _logDown.Count - 1; i >= 0; i--) await TakeDownAsync(_logDown[i]).ConfigureAwait(false);
        await clearing.ConfigureAwait(false);
        await TakeDownAsync(() =>
        {
            _claim.Update(state => state with
            {
                State = end.Error is null ? RunPhase.Stopped : RunPhase.Failed,
                EndedAt = DateTimeOffset.UtcNow,
                ExitCode = end.ExitCode,
                Error = end.Error,
            });
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
    }

    private ValueTask ClearAsync()
    {
        if (Directory.Exists(_claim.Folder.SandboxPath)) Directory.Delete(_claim.Folder.SandboxPath, recursive: true);
        File.Delete(_claim.Folder.SocketPath);
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends what is there or still in the making. That the making failed was told already: it ended the run.</summary>
    private static async ValueTask DisposeMadeAsync<T>(Task<T> making, Func<T, ValueTask> dispose)
    {
        await Task.WhenAny(making).ConfigureAwait(false);
        if (making.IsCompletedSuccessfully) await dispose(making.Result).ConfigureAwait(false);
    }

    private async Task TakeDownAsync(Func<ValueTask> part)
    {
        try
        {
            await part().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The rest has to come down all the same; the person should know of it.
            _options.Say($"moat: while the run was ended: {e.Message}");
        }
    }

    private static void TryAppend(AuditLog audit, string type, AuditPayload payload)
    {
        try
        {
            audit.Append(type, payload);
        }
        catch (AuditUnavailableException)
        {
            // The log announced its failure itself, and that is how this run ended.
        }
    }

    private static GatewayListeners Listeners(SandboxListeners sockets) => new()
    {
        Http = sockets.Http,
        Https = sockets.Https,
        Proxy = sockets.Proxy,
        DnsUdp = sockets.DnsUdp,
        DnsTcp = sockets.DnsTcp,
        Ssh = sockets.Ssh,
        SshAgent = sockets.SshAgent,
        Extra = sockets.Extra,
    };

    private static IEnumerable<string> HostVariables() => Environment.GetEnvironmentVariables().Keys.Cast<string>();

    private static ValueTask Dispose(IDisposable part)
    {
        part.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed record RunEnd(int ExitCode, string? Error);
}
