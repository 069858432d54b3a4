namespace Moat.Policy;

/// <summary>What may be done with a file, as the kernel tells it apart.</summary>
[Flags]
public enum FileRights
{
    None = 0,

    /// <summary>Open for reading.</summary>
    Read = 1,

    /// <summary>Open for writing, truncate. Opening for both needs both.</summary>
    Write = 2,

    /// <summary>Make the name: a file, folder, link, socket or pipe. With <see cref="Delete"/> also rename.</summary>
    Create = 4,

    /// <summary>Take the name away.</summary>
    Delete = 8,

    /// <summary>Run it; needs <see cref="Read"/> as well.</summary>
    Execute = 16,

    /// <summary>All that changes something.</summary>
    Change = Write | Create | Delete,
    All = Read | Execute | Change,
}
