using System.Net;

namespace Moat.Kernel;

/// <summary>What the kernel tells of one act of a process of the run.</summary>
/// <param name="SinceBoot">When, on the clock that counts suspended time.</param>
/// <param name="Times">How often this very act has happened under this generation of rules. It is told at 1, 2, 4, 8, … times.</param>
/// <param name="Process">The process, in the host's numbering.</param>
/// <param name="User">Its real user, in the host's numbering.</param>
/// <param name="Command">What the process calls itself: at most 15 bytes, and not to be trusted.</param>
/// <param name="Actions">What was asked for; for a denial, what of it was missing.</param>
/// <param name="Denied">The rules say no.</param>
/// <param name="LetThrough">The rules say no, and are in shadow.</param>
/// <param name="Path">For files: the path, or its end behind … where no rule is near. Empty otherwise.</param>
/// <param name="Address">For connections.</param>
/// <param name="Generation">Of the rules that judged.</param>
public sealed record KernelEvent(
    TimeSpan SinceBoot, ulong Times, int Process, int User, string Command, KernelActions Actions, bool Denied, bool LetThrough, string Path, IPEndPoint? Address, int Generation);

/// <summary>How many events were not told one by one.</summary>
/// <param name="DenialsLost">For want of room in the ring.</param>
/// <param name="EventsLost">For want of room in the ring.</param>
/// <param name="DenialsFolded">Because the same had been told; a later event's <see cref="KernelEvent.Times"/> counts them.</param>
/// <param name="EventsFolded">Because the same had been told.</param>
public sealed record KernelEventCounters(long DenialsLost, long EventsLost, long DenialsFolded, long EventsFolded);
