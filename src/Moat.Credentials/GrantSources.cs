using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Where a credential may be found on the host, in order.</summary>
/// <param name="environment">This process' variables.</param>
/// <param name="handler">Null: the system's network; for the grants that ask a service for their credential.</param>
/// <param name="time">Null: the system's clock.</param>
internal sealed class GrantSources(Func<string, string?> environment, HttpMessageHandler? handler = null, TimeProvider? time = null)
{
    internal HttpMessageHandler? Handler => handler;

    internal TimeProvider Time { get; } = time ?? TimeProvider.System;

    internal Func<string, string?> Environment => environment;

    private const int MaxOutput = 64 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>A host variable; null when it is not set or empty.</summary>
    internal string? Variable(string name) => environment(name) is { Length: > 0 } value ? value : null;

    /// <summary>The credential and, in words, where it came from.</summary>
    internal async Task<(Secret Token, string Source)> FindAsync(ProviderDefinition provider, Func<string, Secret?>? prompt, CancellationToken ct)
    {
        foreach (var variable in provider.SourceEnv)
            if (environment(variable)?.Trim() is { Length: > 0 } value)
                return (Secret.FromText(value), $"the variable {variable}");
        if (provider.SourceCommand.Length > 0 && await RunAsync(provider.SourceCommand, ct).ConfigureAwait(false) is { } printed)
            return (printed, $"`{string.Join(' ', provider.SourceCommand)}`");
        if (prompt is not null)
        {
            using var answer = prompt(provider.Prompt.Length > 0 ? provider.Prompt : $"Credential for {provider.Name}");
            if (answer is not null && Trim(answer.Reveal()) is { Length: > 0 } typed) return (Secret.Copy(typed), "the prompt");
        }
        throw new MoatException($"no credential for {provider.Name} was given",
            provider.SourceEnv.Length > 0 ? $"set {provider.SourceEnv[0]}, or run `moat grant {provider.Name}` in a terminal and type it" : $"run `moat grant {provider.Name}` in a terminal and type it");
    }

    /// <summary>What a host program prints, given <paramref name="input"/>, trimmed; null for one that is missing, not logged in or stuck: the next source is asked.</summary>
    internal async Task<Secret?> RunAsync(IReadOnlyList<string> command, CancellationToken ct, string input = "", IReadOnlyDictionary<string, string>? variables = null)
    {
        if (Programs.Find(command[0], environment("PATH") ?? "") is not { } program) return null;
        var info = new ProcessStartInfo(program, command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables ?? ImmutableDictionary<string, string>.Empty) info.Environment[name] = value;
        using var process = Process.Start(info);
        if (process is null) return null;
        var buffer = GC.AllocateUninitializedArray<byte>(MaxOutput, pinned: true);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(s_patience);
        try
        {
            await WriteAsync(process, input, timeout.Token).ConfigureAwait(false);
            var error = process.StandardError.BaseStream.CopyToAsync(Stream.Null, timeout.Token);
            var length = await process.StandardOutput.BaseStream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, timeout.Token).ConfigureAwait(false);
            await error.ConfigureAwait(false);
            await process.WaitForExitAsync(timeout.Token).ConfigureAwait(false);
            return process.ExitCode == 0 && Trim(buffer.AsSpan(0, length)) is { Length: > 0 } token ? Secret.Copy(token) : null;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteAsync(Process process, string input, CancellationToken ct)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), ct).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code says what that means.
        }
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8);
}
