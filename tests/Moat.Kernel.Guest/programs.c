/* Ways to run code that may not be run: only bin/good and bin/script may, and neither may be changed. */
#include "attack.h"
#include <sys/sendfile.h>

static int held = -1;

static int run_good(void) { return run_path("bin/good"); }
static int run_evil(void) { return run_path("bin/evil"); }

static int copy(const char *from, int to)
{
	int source = open(from, O_RDONLY);
	struct stat status;

	if (source < 0 || to < 0 || fstat(source, &status))
		return -1;
	for (off_t left = status.st_size; left > 0;) {
		ssize_t sent = sendfile(to, source, 0, (size_t)left);

		if (sent <= 0)
			return -1;
		left -= sent;
	}
	close(source);
	return 0;
}

static int copy_to(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755), result = copy("bin/good", fd);

	close(fd);
	return result;
}

static int run_copy(void) { return copy_to("open/copy") ? outcome(-1) : run_path("open/copy"); }
static int run_set_user_copy(void) { return copy_to("open/copy") || chmod("open/copy", 04755) ? outcome(-1) : run_path("open/copy"); }
static int run_script(void) { return run_path("bin/script"); }        /* may be run; its interpreter, bin/evil, may not */
static int run_free_script(void) { return run_path("open/script"); }  /* may not be run; its interpreter, bin/good, may */
static int overwrite_good(void) { return outcome(open("bin/good", O_WRONLY)); }

static int rename_to_good(void)
{
	return rename("bin/evil", "bin/good") ? outcome(-1) : run_path("bin/good");
}

static int link_to_new_good(void)
{
	return link("bin/evil", "bin/later") ? outcome(-1) : run_path("bin/later");
}

static int run_symlink(void)
{
	return symlink("../bin/evil", "open/link") ? outcome(-1) : run_path("open/link");
}

static int run_descriptor(int fd)
{
	pid_t child = fork();
	int status;

	if (!child) {
		char *arguments[] = { "x", 0 }, *environment[] = { 0 };

		syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
		_exit(errno == EACCES || errno == EPERM ? DENIED : BROKEN);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status) == 7 ? 0 : WEXITSTATUS(status);
}

static int run_by_descriptor(void) { return run_descriptor(open("bin/evil", O_PATH | O_CLOEXEC)); }

static int run_by_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", open("bin/evil", O_PATH));
	return run_path(path);
}

static int run_memory(void)
{
	char path[64];
	int fd = memfd_create("x", MFD_CLOEXEC);

	if (copy("bin/good", fd))
		return BROKEN;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? outcome(-1) : run_descriptor(fd);
}

static int run_deleted(void)
{
	held = open("bin/evil", O_PATH | O_CLOEXEC);
	return unlink("bin/evil") ? outcome(-1) : run_descriptor(held);
}

static int run_vfork(void)
{
	int status;
	pid_t child = vfork();

	if (!child) {
		execl("bin/evil", "bin/evil", (char *)0);
		_exit(errno == EACCES || errno == EPERM ? DENIED : BROKEN);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status) == 7 ? 0 : WEXITSTATUS(status);
}

static int run_with_long_arguments(void)
{
	static char argument[4096];
	pid_t child;
	int status;

	memset(argument, 'a', sizeof(argument) - 1);
	child = fork();
	if (!child) {
		execl("bin/evil", argument, argument, (char *)0);
		_exit(errno == EACCES || errno == EPERM ? DENIED : BROKEN);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status) == 7 ? 0 : WEXITSTATUS(status);
}

/* What ld.so does with its argument, and dlopen with a library. */
static int map_code(void)
{
	return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("bin/evil", O_RDONLY), 0) == MAP_FAILED ? outcome(-1) : 0;
}

static int map_copied_code(void)
{
	if (copy_to("open/copy"))
		return BROKEN;
	return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("open/copy", O_RDONLY), 0) == MAP_FAILED ? outcome(-1) : 0;
}

static int turn_to_code(void)
{
	void *mapped = mmap(0, 4096, PROT_READ, MAP_PRIVATE, open("bin/evil", O_RDONLY), 0);

	return mapped == MAP_FAILED ? BROKEN : outcome(mprotect(mapped, 4096, PROT_READ | PROT_EXEC));
}

static int map_memory_code(void)
{
	int fd = memfd_create("x", 0);

	if (ftruncate(fd, 4096))
		return BROKEN;
	return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED ? outcome(-1) : 0;
}

const struct attack program_attacks[] = {
	{ "run_good", 0, run_good }, { "run_evil", 0, run_evil }, { "run_copy", 0, run_copy }, { "run_set_user_copy", 0, run_set_user_copy },
	{ "run_script", 0, run_script }, { "run_free_script", 0, run_free_script }, { "run_overwrite", 0, overwrite_good },
	{ "run_renamed", 0, rename_to_good }, { "run_linked", 0, link_to_new_good }, { "run_symlink", 0, run_symlink },
	{ "run_by_descriptor", 0, run_by_descriptor }, { "run_by_proc", 0, run_by_proc }, { "run_memory", 0, run_memory },
	{ "run_deleted", 0, run_deleted }, { "run_vfork", 0, run_vfork }, { "run_with_long_arguments", 0, run_with_long_arguments },
	{ "run_mapped", 0, map_code }, { "run_mapped_copy", 0, map_copied_code }, { "run_turned_to_code", 0, turn_to_code },
	{ "run_mapped_memory", 0, map_memory_code }, { 0, 0, 0 },
};
