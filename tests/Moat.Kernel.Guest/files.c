/* Ways to read, change, move and plant files that a rule forbids. */
#include "attack.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <sys/stat.h>
#include <sys/time.h>

static char here[4096];

static int read_free(void) { return read_path("open/free"); }
static int write_free(void) { return outcome(open("open/free", O_WRONLY | O_TRUNC)); }
static int read_sibling(void) { return read_path("one-sibling"); }
static int read_read_only(void) { return read_path("ro/file"); }
static int read_secret(void) { return read_path("secret/key"); }
static int list_secret(void) { return outcome(open("secret", O_RDONLY | O_DIRECTORY)); }
static int read_deep(void) { return read_path("secret/deep/er/x"); }
static int read_one_file(void) { return read_path("one"); }
static int write_secret(void) { return outcome(open("secret/key", O_WRONLY)); }
static int write_read_only(void) { return outcome(open("ro/file", O_RDWR)); }
static int append_read_only(void) { return outcome(open("ro/file", O_WRONLY | O_APPEND)); }
static int open_truncate(void) { return outcome(open("ro/file", O_RDONLY | O_TRUNC)); }
static int truncate_it(void) { return outcome(truncate("ro/file", 0)); }
static int create(void) { return outcome(open("ro/new", O_CREAT | O_EXCL | O_WRONLY, 0600)); }
static int make_directory(void) { return outcome(mkdir("ro/new", 0700)); }
static int make_fifo(void) { return outcome(mknod("ro/new", S_IFIFO | 0600, 0)); }
static int make_symlink(void) { return outcome(symlink("/etc/passwd", "ro/new")); }
static int unlink_it(void) { return outcome(unlink("ro/file")); }
static int unlink_one(void) { return outcome(unlink("one")); }
static int remove_directory(void) { return outcome(rmdir("ro/empty")); }
static int change_mode(void) { return outcome(chmod("ro/file", 0777)); }
static int change_mode_descriptor(void) { return outcome(fchmod(open("ro/file", O_RDONLY), 0777)); }
static int change_owner(void) { return outcome(chown("ro/file", 12, 12)); }
static int set_attribute(void) { return outcome(setxattr("ro/file", "trusted.moat", "x", 1, 0)); }
static int set_flags(void)
{
	int fd = open("ro/file", O_RDONLY), flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return BROKEN;
	flags |= FS_NODUMP_FL;
	return outcome(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static int set_times(void)
{
	struct timeval times[2] = { { 1, 0 }, { 1, 0 } };

	return outcome(utimes("ro/file", times));
}

static int by_symlink(void)
{
	return symlink("../secret/key", "open/link") ? outcome(-1) : read_path("open/link");
}

static int by_directory_symlink(void)
{
	return symlink("../secret", "open/link") ? outcome(-1) : read_path("open/link/key");
}

static int by_hard_link(void)
{
	return link("secret/key", "open/hard") ? outcome(-1) : read_path("open/hard");
}

static int by_hard_link_of_file(void)
{
	return link("one", "open/hard") ? outcome(-1) : read_path("open/hard");
}

/* The fixture made it before the rules came; the inode carries the rule. */
static int by_earlier_hard_link(void) { return read_path("open/alias"); }

static int by_rename(void)
{
	return rename("one", "open/moved") ? outcome(-1) : read_path("open/moved");
}

static int by_rename_out(void)
{
	return rename("secret/key", "open/moved") ? outcome(-1) : read_path("open/moved");
}

static int by_rename_of_parent(void)
{
	return rename("secret", "open/moved") ? outcome(-1) : read_path("open/moved/key");
}

static int by_rename_of_subdirectory(void)
{
	return rename("secret/deep", "open/moved") ? outcome(-1) : read_path("open/moved/er/x");
}

static int by_rename_over(void) { return outcome(rename("open/free", "ro/file")); }

static int exchange(const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static int by_exchange(void) { return exchange("open/free", "one") ? outcome(-1) : read_path("open/free"); }
static int by_exchange_back(void) { return exchange("one", "open/free") ? outcome(-1) : read_path("open/free"); }

static int by_dots(void) { return read_path("open/../open/.././secret//key"); }
static int by_slashes(void) { return read_path(".//secret///key"); }

static int by_proc_root(void)
{
	char path[8192];

	if (!getcwd(here, sizeof(here)))
		return BROKEN;
	snprintf(path, sizeof(path), "/proc/self/root%s/secret/key", here);
	return read_path(path);
}

static int by_proc_cwd(void) { return read_path("/proc/self/cwd/secret/key"); }

static int by_path_descriptor(void)
{
	char path[64];
	int fd = open("secret/key", O_PATH);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return read_path(path);
}

static int by_directory_descriptor(void)
{
	int fd = open("secret", O_PATH | O_DIRECTORY);

	return read_one(openat(fd, "key", O_RDONLY));
}

static int by_chroot(void)
{
	return chroot("secret") ? outcome(-1) : read_path("/key");
}

static int by_handle(void)
{
	struct { struct file_handle handle; unsigned char bytes[128]; } h = { .handle.handle_bytes = 128 };
	int id, mount = open(".", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, "secret/key", &h.handle, &id, 0))
		return outcome(-1);
	return read_one(open_by_handle_at(mount, &h.handle, O_RDONLY));
}

static int by_bind_mount(void)
{
	if (unshare(CLONE_NEWNS) || mount("secret", "open/mnt", 0, MS_BIND, 0))
		return outcome(-1);
	return read_path("open/mnt/key");
}

/* The mount was there before; a rule is on the tree and not on the mount. */
static int prepare_bind(void) { return mount("secret", "open/mnt", 0, MS_BIND, 0); }
static int by_earlier_bind_mount(void) { return read_path("open/mnt/key"); }
static int prepare_bind_one(void) { return mount("one", "open/free", 0, MS_BIND, 0); }
static int by_earlier_bind_of_file(void) { return read_path("open/free"); }

static int by_cloned_mount(void)
{
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "secret", 1 /* OPEN_TREE_CLONE */);

	return tree < 0 ? outcome(-1) : read_one(openat(tree, "key", O_RDONLY));
}

static int by_new_overlay(void)
{
	char options[8192];

	if (!getcwd(here, sizeof(here)))
		return BROKEN;
	snprintf(options, sizeof(options), "lowerdir=%s/secret:%s/open", here, here);
	if (unshare(CLONE_NEWNS) || mount("overlay", "open/mnt", "overlay", 0, options))
		return outcome(-1);
	return read_path("open/mnt/key");
}

/* A file system by descriptor is used without ever being mounted. */
static int by_unmounted_overlay(void)
{
	char options[8192];
	int context = (int)syscall(SYS_fsopen, "overlay", 0), tree;

	if (!getcwd(here, sizeof(here)))
		return BROKEN;
	snprintf(options, sizeof(options), "%s/secret:%s/open", here, here);
	if (context < 0 || syscall(SYS_fsconfig, context, 1 /* SET_STRING */, "lowerdir", options, 0) ||
	    syscall(SYS_fsconfig, context, 6 /* CMD_CREATE */, 0, 0, 0))
		return outcome(-1);
	tree = (int)syscall(SYS_fsmount, context, 0, 0);
	return tree < 0 ? outcome(-1) : read_one(openat(tree, "key", O_RDONLY));
}

static int by_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || mount("secret", "open/mnt", 0, MS_BIND, 0))
		return outcome(-1);
	return read_path("open/mnt/key");
}

static int by_remount(void)
{
	return unshare(CLONE_NEWNS) ? outcome(-1) : outcome(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0));
}

static int by_long_path(void)
{
	char name[101];

	memset(name, 'l', 100);
	name[100] = 0;
	for (int i = 0; i < 4; i++)
		if (chdir(name))
			return outcome(-1);
	return read_path("key");
}

static int by_unnamed_file(void)
{
	int fd = open("open", O_TMPFILE | O_WRONLY, 0600);
	char path[64];

	if (fd < 0)
		return outcome(-1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return outcome(linkat(AT_FDCWD, path, AT_FDCWD, "ro/new", AT_SYMLINK_FOLLOW));
}

static int unnamed_in_read_only(void) { return outcome(open("ro", O_TMPFILE | O_WRONLY, 0600)); }

static int create_future(void) { return outcome(open("future/plan", O_CREAT | O_WRONLY, 0600)); }

static int create_far_future(void)
{
	if (mkdir("far", 0700) || mkdir("far/off", 0700))
		return outcome(-1);
	return outcome(open("far/off/plan", O_CREAT | O_WRONLY, 0600));
}

static int plant_by_rename(void)
{
	int fd;

	if (mkdir("open/d", 0700) || (fd = open("open/d/plan", O_CREAT | O_WRONLY, 0600)) < 0)
		return outcome(-1);
	if (!rmdir("future") || errno == ENOENT)
		return outcome(rename("open/d", "future"));
	return outcome(-1);
}

static int move_aside_and_back(void)
{
	if (rename("future", "open/aside"))
		return outcome(-1);
	if (open("open/aside/plan", O_CREAT | O_WRONLY, 0600) < 0)
		return outcome(-1);
	return outcome(rename("open/aside", "future"));
}

/* What another program puts in the protected file's place is protected by its name. */
static int prepare_replacement(void)
{
	int fd = open("one.new", O_CREAT | O_WRONLY, 0600);

	return fd < 0 || write(fd, "new", 3) != 3 || rename("one.new", "one");
}

static int by_spoofed_name(void)
{
	prctl(PR_SET_NAME, "dpkg");
	return read_path("secret/key");
}

static int by_thread_name_of_shell(void)
{
	prctl(PR_SET_NAME, "update-ca");
	return outcome(unlink("one"));
}

static int by_child_cgroup(void)
{
	char path[4096];
	pid_t child;
	int status;

	snprintf(path, sizeof(path), "%s/child", cgroup);
	if (mkdir(path, 0755) && errno != EEXIST)
		return BROKEN;
	child = fork();
	if (!child) {
		join(path);
		_exit(read_path("secret/key"));
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static int by_leaving_cgroup(void)
{
	int fd = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY);

	if (fd < 0 || write(fd, "0", 1) != 1)
		return outcome(-1);
	return read_path("secret/key");
}

const struct attack file_attacks[] = {
	{ "read_free", 0, read_free }, { "write_free", 0, write_free }, { "read_sibling", 0, read_sibling }, { "read_read_only", 0, read_read_only },
	{ "read_secret", 0, read_secret }, { "list_secret", 0, list_secret }, { "read_deep", 0, read_deep }, { "read_one_file", 0, read_one_file },
	{ "write_secret", 0, write_secret }, { "write_read_only", 0, write_read_only }, { "append_read_only", 0, append_read_only },
	{ "open_truncate", 0, open_truncate }, { "truncate", 0, truncate_it }, { "create", 0, create }, { "make_directory", 0, make_directory },
	{ "make_fifo", 0, make_fifo }, { "make_symlink", 0, make_symlink }, { "unlink", 0, unlink_it }, { "unlink_one", 0, unlink_one },
	{ "remove_directory", 0, remove_directory }, { "change_mode", 0, change_mode }, { "change_mode_descriptor", 0, change_mode_descriptor },
	{ "change_owner", 0, change_owner }, { "set_attribute", 0, set_attribute }, { "set_times", 0, set_times }, { "set_flags", 0, set_flags },
	{ "by_symlink", 0, by_symlink }, { "by_directory_symlink", 0, by_directory_symlink }, { "by_hard_link", 0, by_hard_link },
	{ "by_hard_link_of_file", 0, by_hard_link_of_file }, { "by_earlier_hard_link", 0, by_earlier_hard_link }, { "by_rename", 0, by_rename },
	{ "by_rename_out", 0, by_rename_out }, { "by_rename_of_parent", 0, by_rename_of_parent },
	{ "by_rename_of_subdirectory", 0, by_rename_of_subdirectory }, { "by_rename_over", 0, by_rename_over }, { "by_exchange", 0, by_exchange },
	{ "by_exchange_back", 0, by_exchange_back }, { "by_dots", 0, by_dots }, { "by_slashes", 0, by_slashes }, { "by_proc_root", 0, by_proc_root },
	{ "by_proc_cwd", 0, by_proc_cwd }, { "by_path_descriptor", 0, by_path_descriptor }, { "by_directory_descriptor", 0, by_directory_descriptor },
	{ "by_chroot", 0, by_chroot }, { "by_handle", 0, by_handle }, { "by_bind_mount", 0, by_bind_mount },
	{ "by_earlier_bind_mount", prepare_bind, by_earlier_bind_mount }, { "by_earlier_bind_of_file", prepare_bind_one, by_earlier_bind_of_file },
	{ "by_cloned_mount", 0, by_cloned_mount }, { "by_new_overlay", 0, by_new_overlay }, { "by_unmounted_overlay", 0, by_unmounted_overlay },
	{ "by_user_namespace", 0, by_user_namespace }, { "by_remount", 0, by_remount }, { "by_long_path", 0, by_long_path },
	{ "by_unnamed_file", 0, by_unnamed_file }, { "unnamed_in_read_only", 0, unnamed_in_read_only }, { "create_future", 0, create_future },
	{ "create_far_future", 0, create_far_future }, { "plant_by_rename", 0, plant_by_rename }, { "move_aside_and_back", 0, move_aside_and_back },
	{ "read_replacement", prepare_replacement, read_one_file }, { "by_spoofed_name", 0, by_spoofed_name },
	{ "unlink_by_spoofed_name", 0, by_thread_name_of_shell }, { "by_child_cgroup", 0, by_child_cgroup },
	{ "by_leaving_cgroup", 0, by_leaving_cgroup }, { 0, 0, 0 },
};
