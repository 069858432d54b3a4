/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Opening, changing, making, moving and removing files. */
#pragma once

#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_EXEC (1u << 5)      /* in f_flags: the kernel opens it to run it; the exec hooks judge that */
#define O_TMPFILE_BIT 020000000
#define RENAME_EXCHANGE 2
#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define CGROUP2_SUPER_MAGIC 0x63677270UL

#define DENTRY(path_) ((__u64)READ_KERNEL(struct path, path_, dentry))
#define FILE_DENTRY(file_) ((__u64)READ_KERNEL(struct file, file_, f_path.dentry))

static __always_inline __u16 mode_of(__u64 dentry)
{
	struct inode *inode = READ_KERNEL(struct dentry, dentry, d_inode);

	return inode ? READ_KERNEL(struct inode, inode, i_mode) : 0;
}

static long climb_cgroup(__u64 index, struct climb *c)
{
	__u32 zero = 0;
	struct scope *scope = bpf_map_lookup_elem(&scopes, &zero);
	__u64 inode = (__u64)READ_KERNEL(struct dentry, c->at, d_inode);
	__u64 parent = (__u64)READ_KERNEL(struct dentry, c->at, d_parent);

	if (scope && inode && READ_KERNEL(struct inode, inode, i_ino) == scope->cgroup)
		c->hit = 1;
	if (c->hit || parent == c->at)
		return 1;
	c->at = parent;
	return 0;
}

/* A cgroup file outside the run's own cgroup: writing it could carry a process out of the scope. */
static __always_inline bool leaves_cgroup(__u64 dentry)
{
	struct super_block *sb = READ_KERNEL(struct dentry, dentry, d_sb);
	struct climb c = { .at = dentry };

	if (READ_KERNEL(struct super_block, sb, s_magic) != CGROUP2_SUPER_MAGIC)
		return false;
	bpf_loop(DEPTH, climb_cgroup, &c, 0);
	return !c.hit;
}

static __always_inline __u32 needs_of(struct file *file)
{
	__u32 mode = READ_KERNEL(struct file, file, f_mode), need = 0;

	if (mode & FMODE_READ)
		need |= READ;
	if (mode & FMODE_WRITE)
		need |= WRITE;
	return need;
}

static __always_inline bool is_regular(struct file *file)
{
	struct inode *inode = READ_KERNEL(struct file, file, f_inode);

	return inode && (READ_KERNEL(struct inode, inode, i_mode) & S_IFMT) == S_IFREG;
}

static __always_inline int judge_file(struct file *file, __u32 need, __u32 observe)
{
	struct found f;
	struct settings *s;
	__u32 slot = 0, flags = READ_KERNEL(struct file, file, f_flags);
	__u64 dentry = FILE_DENTRY(file);
	int result;

	s = policy(&slot);
	if (!s)
		return -EACCES;
	if ((flags & O_TMPFILE_BIT) && observe)
		need |= CREATE;
	result = judge(s, slot, dentry, need, &f);
	if (result)
		return result;
	if ((need & WRITE) && leaves_cgroup(dentry))
		return refuse(s, &f, dentry, CGROUP);
	if (observe && (s->flags & OBSERVE_OPEN) && (f.mask & need) == need) {
		struct subject what = { .dentry = dentry, .action = need };

		tell(s, &f, &what, 0);
	}
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file)
{
	if (!in_scope() || (READ_KERNEL(struct file, file, f_flags) & FMODE_EXEC))
		return 0;
	return judge_file(file, needs_of(file), 1);
}

/* A descriptor from before the policy was tightened is judged anew at each read and write. */
SEC("lsm/file_permission")
int BPF_PROG(file_permission, struct file *file, int mask)
{
	struct settings *s;
	__u32 slot = 0, need = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (s && !(s->flags & REVALIDATE))
		return 0;
	if (!is_regular(file))
		return 0;
	if (mask & 4) /* MAY_READ */
		need |= READ;
	if (mask & 2) /* MAY_WRITE */
		need |= WRITE;
	return need ? judge_file(file, need, 0) : 0;
}

/* A descriptor that another process hands over (SCM_RIGHTS, pidfd_getfd). */
SEC("lsm/file_receive")
int BPF_PROG(file_receive, struct file *file)
{
	struct inode *inode = READ_KERNEL(struct file, file, f_inode);
	__u16 type = inode ? READ_KERNEL(struct inode, inode, i_mode) & S_IFMT : 0;

	if (!in_scope() || (type != S_IFREG && type != S_IFDIR))
		return 0;
	return judge_file(file, needs_of(file), 0);
}

SEC("lsm/file_truncate")
int BPF_PROG(file_truncate, struct file *file)
{
	return in_scope() ? judge_file(file, WRITE, 0) : 0;
}

SEC("lsm/path_truncate")
int BPF_PROG(path_truncate, const struct path *path)
{
	return require(DENTRY(path), WRITE);
}

SEC("lsm/path_mknod")
int BPF_PROG(path_mknod, const struct path *dir, struct dentry *dentry)
{
	return require((__u64)dentry, CREATE);
}

SEC("lsm/path_mkdir")
int BPF_PROG(path_mkdir, const struct path *dir, struct dentry *dentry)
{
	return require((__u64)dentry, CREATE);
}

SEC("lsm/path_symlink")
int BPF_PROG(path_symlink, const struct path *dir, struct dentry *dentry)
{
	return require((__u64)dentry, CREATE);
}

SEC("lsm/path_unlink")
int BPF_PROG(path_unlink, const struct path *dir, struct dentry *dentry)
{
	return require((__u64)dentry, DELETE);
}

SEC("lsm/path_rmdir")
int BPF_PROG(path_rmdir, const struct path *dir, struct dentry *dentry)
{
	return require((__u64)dentry, DELETE);
}

SEC("lsm/path_chmod")
int BPF_PROG(path_chmod, const struct path *path)
{
	return require(DENTRY(path), METADATA);
}

SEC("lsm/path_chown")
int BPF_PROG(path_chown, const struct path *path)
{
	return require(DENTRY(path), METADATA);
}

/* From one name to another: what is there must not gain rights by its new place. */
static __always_inline int judge_move(struct settings *s, __u32 slot, __u64 from, __u64 to, __u32 need)
{
	struct found old, new;
	bool directory = (mode_of(from) & S_IFMT) == S_IFDIR;
	int result = judge(s, slot, from, need, &old);

	if (result)
		return result;
	result = judge(s, slot, to, CREATE | (mode_of(to) ? DELETE : 0), &new);
	if (result)
		return result;
	/* The inode's own node goes with it; only rights that hang on the place can be gained. */
	if ((new.mask & ~old.mask) || (directory && (new.below & ~old.below)))
		return refuse(s, &new, to, need);
	/* A directory on the way to a rule keeps its name, and no other takes it: its content was not judged by that rule. */
	if (directory && ((old.flags | new.flags) & HAS_NAMES))
		return refuse(s, &new, to, need);
	return 0;
}

SEC("lsm/path_link")
int BPF_PROG(path_link, struct dentry *old, const struct path *dir, struct dentry *new)
{
	struct settings *s;
	__u32 slot = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	return s ? judge_move(s, slot, (__u64)old, (__u64)new, LINK) : -EACCES;
}

SEC("lsm/path_rename")
int BPF_PROG(path_rename, const struct path *old_dir, struct dentry *old, const struct path *new_dir, struct dentry *new, unsigned int flags)
{
	struct settings *s;
	__u32 slot = 0;
	int result;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	result = judge_move(s, slot, (__u64)old, (__u64)new, RENAME);
	if (!result && (flags & RENAME_EXCHANGE))
		result = judge_move(s, slot, (__u64)new, (__u64)old, RENAME);
	return result;
}

/* Times and extended attributes come without a mount. Over an overlay's layers they are the overlay's own, judged above. */
static __always_inline int require_metadata(struct dentry *dentry)
{
	struct found f;
	struct settings *s;
	__u32 slot = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (!find(s, slot, (__u64)dentry, &f) && ((f.mask & METADATA) || (!f.hit && (s->flags & LAYERS))))
		return 0;
	return refuse(s, &f, (__u64)dentry, METADATA);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(inode_setxattr, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return require_metadata(dentry);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(inode_removexattr, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return require_metadata(dentry);
}

#define ATTR_TIMES (1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 16) /* ATIME, MTIME, their _SET, TOUCH */

SEC("lsm/inode_setattr")
int BPF_PROG(inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attributes)
{
	/* Mode, owner and size have hooks of their own; here are the times, where size is not the reason for them. */
	__u32 valid = READ_KERNEL(struct iattr, attributes, ia_valid);

	return (valid & ATTR_TIMES) && !(valid & (1u << 3)) ? require_metadata(dentry) : 0;
}

/* A file's flags (immutable, append only) and project are changed through a descriptor that need only be open for reading. */
static __always_inline int judge_ioctl(struct file *file, __u32 command)
{
	switch (command) {
	case 0x40086602: /* FS_IOC_SETFLAGS */
	case 0x40046602: /* the same of a 32-bit process */
	case 0x401c5820: /* FS_IOC_FSSETXATTR */
		return require(FILE_DENTRY(file), METADATA);
	default:
		return 0;
	}
}

SEC("lsm/file_ioctl")
int BPF_PROG(file_ioctl, struct file *file, unsigned int command)
{
	return judge_ioctl(file, command);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(file_ioctl_compat, struct file *file, unsigned int command)
{
	return judge_ioctl(file, command);
}
