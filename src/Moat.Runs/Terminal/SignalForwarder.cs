using System.Runtime.InteropServices;
using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>
/// Signals that the supervisor gets go to the agent; the supervisor itself goes on until the agent ended. With a
/// terminal, Ctrl-C is a byte in raw mode and never a signal.
/// </summary>
internal sealed class SignalForwarder : IDisposable
{
    private const int Hangup = 1, Interrupt = 2, Quit = 3, Terminate = 15;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly SandboxProcess _agent;

    public SignalForwarder(SandboxProcess agent, bool hasTerminal)
    {
        _agent = agent;
        Forward(PosixSignal.SIGHUP, Hangup);
        Forward(PosixSignal.SIGINT, Interrupt);
        Forward(PosixSignal.SIGQUIT, Quit);
        Forward(PosixSignal.SIGTERM, Terminate);
        if (hasTerminal)
        {
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, context =>
            {
                context.Cancel = true;
                Observe(_agent.ResizeAsync(TerminalMode.Size()));
            }));
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void Forward(PosixSignal signal, int number) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            Observe(_agent.SignalAsync(number));
        }));

    // An agent that ended in this very moment takes no signal; its exit is what counts.
    private static void Observe(Task task) => task.ContinueWith(static done => _ = done.Exception, TaskScheduler.Default);
}
