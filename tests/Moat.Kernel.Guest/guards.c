/* Ways around by other processes and by the kernel. The victim is a process outside the run that has the secret open. */
#include "attack.h"
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static pid_t victim;
static int secret;
static char memory[] = "secret";

static int prepare_victim(void)
{
	int ready[2], alive[2];
	char byte;

	if (pipe(ready) || pipe(alive))
		return 1;
	secret = open("secret/key", O_RDONLY | O_CLOEXEC);
	victim = fork();
	if (!victim) {
		/* Ends when the attacker does, and holds nothing that the guest waits on. */
		close(alive[1]);
		close(2);
		if (write(ready[1], "x", 1) == 1)
			_exit(read(alive[0], &byte, 1) != 0);
		_exit(1);
	}
	close(secret);
	return victim < 0 || read(ready[0], &byte, 1) != 1;
}

static int read_memory(void)
{
	char path[64], byte;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	fd = open(path, O_RDWR);
	return fd < 0 ? outcome(-1) : outcome(pread(fd, &byte, 1, (off_t)(unsigned long)memory));
}

static int read_by_call(void)
{
	char byte;
	struct iovec mine = { &byte, 1 }, theirs = { memory, 1 };

	return outcome(process_vm_readv(victim, &mine, 1, &theirs, 1, 0));
}

static int write_by_call(void)
{
	struct iovec mine = { "x", 1 }, theirs = { memory, 1 };

	return outcome(process_vm_writev(victim, &mine, 1, &theirs, 1, 0));
}

static int trace(void) { return outcome(ptrace(PTRACE_SEIZE, victim, 0, 0)); }
static int send_signal(void) { return outcome(kill(victim, SIGCONT)); }

static int take_descriptor(void)
{
	int process = (int)syscall(SYS_pidfd_open, victim, 0), fd = (int)syscall(SYS_pidfd_getfd, process, secret, 0);

	return fd < 0 ? outcome(-1) : read_one(fd);
}

static int by_victim_root(void)
{
	char path[8192], here[4096];

	if (!getcwd(here, sizeof(here)))
		return BROKEN;
	snprintf(path, sizeof(path), "/proc/%d/root%s/secret/key", victim, here);
	return read_path(path);
}

static int call_bpf(void)
{
	union bpf_attr attributes = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
}

static int open_perf(void)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = PERF_COUNT_SW_CPU_CLOCK };

	return outcome(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int load_module(void)
{
	static char image[4096]; /* large enough for the kernel to ask whether it may be loaded */
	long result = syscall(SYS_init_module, image, sizeof(image), "");

	return result && errno == ENOEXEC ? 0 : outcome(result); /* the kernel went so far as to look at it */
}

/* A process of the run may be traced by another of it. */
static int trace_own_child(void)
{
	pid_t child = fork();
	int result;

	if (!child)
		for (;;)
			pause();
	result = outcome(ptrace(PTRACE_SEIZE, child, 0, 0));
	kill(child, SIGKILL);
	return result;
}

const struct attack guard_attacks[] = {
	{ "guard_memory", prepare_victim, read_memory }, { "guard_read_by_call", prepare_victim, read_by_call },
	{ "guard_write_by_call", prepare_victim, write_by_call }, { "guard_trace", prepare_victim, trace }, { "guard_signal", prepare_victim, send_signal },
	{ "guard_take_descriptor", prepare_victim, take_descriptor }, { "guard_victim_root", prepare_victim, by_victim_root },
	{ "guard_bpf", 0, call_bpf }, { "guard_perf", 0, open_perf }, { "guard_module", 0, load_module },
	{ "guard_own_child", 0, trace_own_child }, { 0, 0, 0 },
};
