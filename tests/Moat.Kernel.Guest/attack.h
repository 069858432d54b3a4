/* What the attacks share. An attack returns 0 where it reached its aim, DENIED where the kernel refused it. */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DENIED 1
#define BROKEN 2

struct attack {
	const char *name;
	int (*prepare)(void); /* outside the run, before it is joined; may be null */
	int (*run)(void);     /* within the run */
};

extern const struct attack file_attacks[], descriptor_attacks[], program_attacks[], network_attacks[], guard_attacks[], loads[];
extern const char *cgroup;

/* The answer for a system call's result. */
static inline int outcome(long result)
{
	if (result >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return DENIED;
	perror("neither done nor denied");
	return BROKEN;
}

static inline void join(const char *directory)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		perror(path);
		_exit(BROKEN);
	}
	close(fd);
}

/* Reads one byte: what a reader of a secret needs. */
static inline int read_one(int fd)
{
	char byte;

	return fd < 0 ? outcome(fd) : outcome(pread(fd, &byte, 1, 0));
}

static inline int read_path(const char *path)
{
	return read_one(open(path, O_RDONLY));
}

/* Runs a program and says whether it ran: it ends with 7. */
static inline int run_path(const char *path)
{
	pid_t child = fork();
	int status;

	if (!child) {
		char *arguments[] = { (char *)path, 0 }, *environment[] = { 0 };

		execve(path, arguments, environment);
		_exit(errno == EACCES || errno == EPERM ? DENIED : BROKEN);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? (WEXITSTATUS(status) == 7 ? 0 : WEXITSTATUS(status)) : BROKEN;
}
