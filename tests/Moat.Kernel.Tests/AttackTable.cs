namespace Moat.Kernel.Tests;

/// <summary>The attacks, by the names that the guest knows them by, and what need not be denied.</summary>
internal static class AttackTable
{
    public static readonly string[] Files =
    [
        "read_secret", "list_secret", "read_deep", "read_one_file", "write_secret", "write_read_only", "append_read_only", "open_truncate", "truncate", "create",
        "make_directory", "make_fifo", "make_symlink", "unlink", "unlink_one", "remove_directory", "change_mode", "change_mode_descriptor", "change_owner",
        "set_attribute", "set_times", "set_flags", "by_symlink", "by_directory_symlink", "by_hard_link", "by_hard_link_of_file", "by_earlier_hard_link", "by_rename", "by_rename_out",
        "by_rename_of_parent", "by_rename_of_subdirectory", "by_rename_over", "by_exchange", "by_exchange_back", "by_dots", "by_slashes", "by_proc_root", "by_proc_cwd",
        "by_path_descriptor", "by_directory_descriptor", "by_chroot", "by_handle", "by_bind_mount", "by_earlier_bind_mount", "by_earlier_bind_of_file", "by_cloned_mount",
        "by_new_overlay", "by_unmounted_overlay", "by_user_namespace", "by_remount", "by_long_path", "by_unnamed_file", "unnamed_in_read_only", "create_future",
        "create_far_future", "plant_by_rename", "move_aside_and_back", "read_replacement", "by_spoofed_name", "unlink_by_spoofed_name", "by_child_cgroup",
        "by_leaving_cgroup",
    ];

    public static readonly string[] Descriptors =
    [
        "read_held", "write_held", "truncate_held", "send_held", "copy_held", "splice_held", "map_held", "reopen_held", "receive_gift", "ring_open", "ring_unlink",
        "ring_rename", "ring_link", "ring_read",
    ];

    public static readonly string[] Programs =
    [
        "run_evil", "run_copy", "run_set_user_copy", "run_script", "run_free_script", "run_overwrite", "run_renamed", "run_linked", "run_symlink", "run_by_descriptor",
        "run_by_proc", "run_memory", "run_deleted", "run_vfork", "run_with_long_arguments", "run_mapped", "run_mapped_copy", "run_turned_to_code", "run_mapped_memory",
    ];

    public static readonly string[] Network =
    [
        "net_other_port", "net_other_address", "net_any_address", "net_version_6", "net_mapped", "net_datagram_connect", "net_datagram", "net_datagram_of_no_family",
        "net_datagram_of_other_family", "net_datagrams", "net_fast_open", "net_multipath", "net_reconnect", "net_raw", "net_raw_6", "net_packet", "net_netlink",
        "unix_stream", "unix_datagram", "unix_abstract",
    ];

    public static readonly string[] Guards =
    [
        "guard_memory", "guard_read_by_call", "guard_write_by_call", "guard_trace", "guard_signal", "guard_take_descriptor", "guard_victim_root", "guard_bpf",
        "guard_perf", "guard_module",
    ];

    /// <summary>What the rules allow, and must go on being allowed.</summary>
    public static readonly string[] PermittedFiles = ["read_free", "write_free", "read_sibling", "read_read_only", "read_held_free", "run_good"];

    public static readonly string[] PermittedElsewhere = ["net_allowed", "net_allowed_mapped", "unix_free", "guard_own_child"];

    private static readonly string[] AllPlaces = ["tmpfs", "overlay", "bind"];

    /// <summary>An overlay without an index gives no file handles; nothing is to be opened by one there.</summary>
    private static readonly (string, string)[] Impossible = [("by_handle", "overlay")];

    public static IEnumerable<(string Row, string Place)> Everywhere(IEnumerable<string> rows) =>
        rows.SelectMany(row => AllPlaces.Select(place => (row, place))).Where(pair => !Impossible.Contains(pair));

    public static IEnumerable<(string Row, string Place)> Once(IEnumerable<string> rows) => rows.Select(row => (row, "tmpfs"));

    /// <summary>One line an attack, as the guest reads them.</summary>
    public static IEnumerable<string> Lines() =>
        Everywhere([.. Files, .. Descriptors, .. Programs, .. PermittedFiles]).Concat(Once([.. Network, .. Guards, .. PermittedElsewhere])).Select(pair => pair.Row + " " + pair.Place);
}
