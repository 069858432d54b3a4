// Tries one kernel interface per line and prints "name errno"; errno 0 means that it worked.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void row(const char *name, long result) { printf("%s %d\n", name, result < 0 ? errno : 0); fflush(stdout); }
static void call(const char *name, long nr, long a, long b, long c, long d) { errno = 0; row(name, syscall(nr, a, b, c, d, 0, 0)); }

int main(void) {
    char page[4096] = {0};
    call("io_uring_setup", 425, 4, (long)page, 0, 0);
    call("io_uring_enter", 426, -1, 0, 0, 0);
    call("io_uring_register", 427, -1, 0, 0, 0);
    { struct { unsigned short n; void *f; } prog = {0}; unsigned long allow = 0x7fff000000000006UL; prog.n = 1; prog.f = &allow; call("seccomp_listener", SYS_seccomp, 1, 8, (long)&prog, 0); }
    call("bpf", SYS_bpf, 0, (long)page, 72, 0);
    call("perf_event_open", SYS_perf_event_open, (long)page, 0, -1, -1);
    call("userfaultfd", SYS_userfaultfd, 1, 0, 0, 0);
    call("keyctl", SYS_keyctl, 0, -3, 0, 0);
    call("add_key", SYS_add_key, (long)"user", (long)"x", (long)"y", 1);
    call("request_key", SYS_request_key, (long)"user", (long)"x", 0, 0);
    call("init_module", SYS_init_module, 0, 0, (long)"", 0);
    call("finit_module", SYS_finit_module, -1, (long)"", 0, 0);
    call("delete_module", SYS_delete_module, (long)"x", 0, 0, 0);
    call("kexec_load", SYS_kexec_load, 0, 0, 0, 0);
    call("mount", SYS_mount, (long)"none", (long)"/tmp", (long)"tmpfs", 0);
    call("umount2", SYS_umount2, (long)"/tmp", 0, 0, 0);
    call("pivot_root", SYS_pivot_root, (long)"/tmp", (long)"/tmp", 0, 0);
    call("chroot", SYS_chroot, (long)"/tmp", 0, 0, 0);
    call("fsopen", 430, (long)"tmpfs", 0, 0, 0);
    call("fsmount", 432, -1, 0, 0, 0);
    call("move_mount", 429, -1, (long)"", -1, (long)"");
    call("open_tree", 428, AT_FDCWD, (long)"/tmp", 1, 0);
    call("mount_setattr", 442, AT_FDCWD, (long)"/", 0, 0);
    call("unshare_user", SYS_unshare, CLONE_NEWUSER, 0, 0, 0);
    call("unshare_net", SYS_unshare, CLONE_NEWNET, 0, 0, 0);
    call("setns", SYS_setns, open("/proc/self/ns/net", O_RDONLY), 0, 0, 0);
    errno = 0; long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (!pid) _exit(0); row("clone_newuser", pid);
    call("clone3", 435, (long)page, 64, 0, 0);
    call("open_by_handle_at", SYS_open_by_handle_at, -1, (long)page, 0, 0);
    call("name_to_handle_at", SYS_name_to_handle_at, -1, (long)"", (long)page, (long)page);
    call("ptrace_traceme", SYS_ptrace, 0, 0, 0, 0);
    call("ptrace_init", SYS_ptrace, 16, 1, 0, 0);
    call("process_vm_readv", SYS_process_vm_readv, 1, 0, 0, 0);
    call("process_vm_writev", SYS_process_vm_writev, 1, 0, 0, 0);
    call("pidfd_getfd", 438, -1, 0, 0, 0);
    call("reboot", SYS_reboot, 0xfee1dead, 672274793, 1, 0);
    call("syslog", SYS_syslog, 10, 0, 0, 0);
    call("swapon", SYS_swapon, (long)"/tmp/x", 0, 0, 0);
    call("settimeofday", SYS_settimeofday, 0, (long)page, 0, 0);
    call("personality_read_implies_exec", SYS_personality, 0x0400000, 0, 0, 0);
    errno = 0; row("socket_packet", socket(AF_PACKET, SOCK_RAW, 0x300));
    errno = 0; row("socket_raw", socket(AF_INET, SOCK_RAW, 1));
    errno = 0; row("socket_raw6", socket(AF_INET6, SOCK_RAW, 58));
    errno = 0; row("socket_vsock", socket(40, SOCK_STREAM, 0));
    errno = 0; row("socket_alg", socket(38, SOCK_SEQPACKET, 0));
    errno = 0; row("socket_xdp", socket(44, SOCK_RAW, 0));
    errno = 0; row("socket_sctp", socket(AF_INET, SOCK_STREAM, 132));
    errno = 0; row("socket_sctp_seq", socket(AF_INET, SOCK_SEQPACKET, 132));
    errno = 0; row("socket_mptcp", socket(AF_INET, SOCK_STREAM, 262));
    { int pair[2]; errno = 0; row("socketpair_tipc", socketpair(30, SOCK_SEQPACKET, 0, pair)); errno = 0; row("socketpair_vsock", socketpair(40, SOCK_STREAM, 0, pair)); errno = 0; row("socketpair_inet", socketpair(AF_INET, SOCK_STREAM, 0, pair)); }
    errno = 0; row("netlink_audit", socket(AF_NETLINK, SOCK_RAW, 9));
    errno = 0; row("netlink_netfilter", socket(AF_NETLINK, SOCK_RAW, 12));
    errno = 0; row("netlink_uevent", socket(AF_NETLINK, SOCK_RAW, 15));
    errno = 0; row("tiocsti", ioctl(0, 0x5412, "x"));
    errno = 0; row("tiocsti_high_bits", syscall(SYS_ioctl, 0, 0x100005412L, "x"));
    errno = 0; row("tioclinux", ioctl(0, 0x541C, page));
    errno = 0; row("kill_init", kill(1, SIGKILL)); 
    errno = 0; row("open_proc_1_mem", open("/proc/1/mem", O_RDONLY));
    errno = 0; row("open_proc_1_environ", open("/proc/1/environ", O_RDONLY));
    errno = 0; row("open_proc_1_root", open("/proc/1/root/etc", O_RDONLY));
    errno = 0; row("open_proc_1_fd3", open("/proc/1/fd/3", O_RDWR));
    errno = 0; row("open_core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
    errno = 0; row("open_sysrq", open("/proc/sysrq-trigger", O_WRONLY));
    errno = 0; row("open_kcore", open("/proc/kcore", O_RDONLY));
    errno = 0; row("open_userns_limit", open("/proc/sys/user/max_user_namespaces", O_WRONLY));
    errno = 0; row("mknod_disk", syscall(SYS_mknodat, AT_FDCWD, "/tmp/disk", 0060600, 0xfe00));
    errno = 0; row("write_usr", open("/usr/x", O_CREAT | O_WRONLY, 0644));
    errno = 0; row("write_root", open("/x", O_CREAT | O_WRONLY, 0644));
    errno = 0; row("write_etc", open("/etc/x", O_CREAT | O_WRONLY, 0644));
    errno = 0; row("write_resolv", open("/etc/resolv.conf", O_WRONLY));
    errno = 0; row("write_init", open("/.moat/init", O_WRONLY));
    errno = 0; row("docker_socket", open("/var/run/docker.sock", O_RDONLY));
    errno = 0; row("sys_cgroup", open("/sys/fs/cgroup", O_RDONLY));
    errno = 0; row("setuid_root", syscall(SYS_setuid, 0));
    return 0;
}
