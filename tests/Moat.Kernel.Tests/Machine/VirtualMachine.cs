using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Moat.Kernel.Tests.Machine;

[assembly: AssemblyFixture(typeof(VirtualMachine))]

namespace Moat.Kernel.Tests.Machine;

/// <summary>
/// One boot for all tests: the kernel of a Debian package in QEMU, because few hosts lend their own for LSM programs. The
/// guest tells its results on the console, a line each; a test reads the one of its name.
/// </summary>
public sealed class VirtualMachine : IAsyncLifetime
{
    private const string Mark = "MOAT ";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    private readonly Dictionary<(string Row, string Place), JsonElement> results = [];
    private readonly StringBuilder console = new();

    /// <summary>What the guest told of a row.</summary>
    public JsonElement Result(string row, string place) =>
        results.TryGetValue((row, place), out var result) ? result : throw new InvalidOperationException($"the machine told nothing of {row} on {place}. Its console:\n{console}");

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        if (RuntimeInformation.OSArchitecture != Architecture.X64) throw new InvalidOperationException("the machine runs this host's own .NET runtime and is built for x64 alone");
        var kernel = Tools.Run("sh", Path.Combine(Tools.Root(), "eng", "kernel.sh")).Trim();
        var image = Path.GetTempFileName();
        try
        {
            MachineImage.Build(image, kernel, AttackTable.Lines());
            await Boot(Directory.GetFiles(kernel + "/boot", "vmlinuz-*").Single(), image);
        }
        finally
        {
            File.Delete(image);
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task Boot(string kernel, string image)
    {
        // no_timer_check: on a busy host the emulated timer may stand still while the kernel tries it.
        string[] arguments =
        [
            "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "2048", "-nographic", "-no-reboot", "-nic", "none", "-kernel", kernel, "-initrd", image,
            "-append", "console=ttyS0 quiet lsm=landlock,capability,bpf no_timer_check panic=-1",
        ];
        using var process = Process.Start(new ProcessStartInfo("qemu-system-x86_64", arguments) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        using var over = new CancellationTokenSource(Limit);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(over.Token) is { } line) Read(line);
            await process.WaitForExitAsync(over.Token);
        }
        catch (OperationCanceledException)
        {
            console.AppendLine("(the time is over)");
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private void Read(string line)
    {
        if (line.IndexOf(Mark + "{", StringComparison.Ordinal) is >= 0 and var start)
        {
            var result = JsonDocument.Parse(line[(start + Mark.Length)..]).RootElement;
            results[(result.GetProperty("row").GetString()!, result.GetProperty("place").GetString()!)] = result;
        }
        else
        {
            console.AppendLine(line);
        }
    }
}
