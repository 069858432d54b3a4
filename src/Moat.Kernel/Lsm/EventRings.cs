using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Moat.Linux;

namespace Moat.Kernel.Lsm;

/// <summary>The two rings of events. Denials are read first, and have a ring that nothing else fills.</summary>
internal sealed unsafe class EventRings : IDisposable
{
    private readonly Action<EventValue> receive;
    private readonly GCHandle self;
    private readonly nint denials;
    private readonly nint events;

    public EventRings(BpfMap denialRing, BpfMap eventRing, Action<EventValue> receive)
    {
        this.receive = receive;
        self = GCHandle.Alloc(this);
        denials = LibBpf.ring_buffer__new(denialRing.Descriptor, &Received, GCHandle.ToIntPtr(self), 0);
        events = LibBpf.ring_buffer__new(eventRing.Descriptor, &Received, GCHandle.ToIntPtr(self), 0);
        if (denials == 0 || events == 0) throw new IOException("the rings of kernel events cannot be mapped");
    }

    /// <summary>Hands over what is there; false when nothing was.</summary>
    public bool Consume() => LibBpf.ring_buffer__consume(denials) + LibBpf.ring_buffer__consume(events) > 0;

    /// <summary>Waits until there is something to consume; false when the time is over first.</summary>
    public bool Wait(int milliseconds)
    {
        var descriptors = stackalloc Libc.PollFd[2];
        descriptors[0] = new Libc.PollFd { Descriptor = LibBpf.ring_buffer__epoll_fd(denials), Events = 1 };
        descriptors[1] = new Libc.PollFd { Descriptor = LibBpf.ring_buffer__epoll_fd(events), Events = 1 };
        return Libc.poll(descriptors, 2, milliseconds) > 0;
    }

    public void Dispose()
    {
        LibBpf.ring_buffer__free(denials);
        LibBpf.ring_buffer__free(events);
        self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Received(nint context, byte* data, nuint length)
    {
        if (length >= (nuint)sizeof(EventValue)) ((EventRings)GCHandle.FromIntPtr(context).Target!).receive(*(EventValue*)data);
        return 0;
    }
}
