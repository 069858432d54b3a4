/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The ways around: mounts, other processes, and the kernel itself. */
#pragma once

/* A hook that says no to the run, unless `allowed` is among the settings. */
#define FORBIDDEN(hook, allowed, action) \
	SEC("lsm/" #hook) \
	int BPF_PROG(on_##hook) \
	{ \
		return forbid(allowed, action); \
	}

FORBIDDEN(sb_mount, MOUNTS, MOUNT)
FORBIDDEN(move_mount, MOUNTS, MOUNT)
FORBIDDEN(sb_umount, MOUNTS, MOUNT)
FORBIDDEN(sb_pivotroot, MOUNTS, MOUNT)
FORBIDDEN(sb_kern_mount, MOUNTS, MOUNT)

#define ENOPARAM 519

/* A file system can be made ready and used by its descriptor, never mounted (fsopen, fsmount): it gets no parameter. */
SEC("lsm/fs_context_parse_param")
int BPF_PROG(fs_context_parse_param)
{
	int result = forbid(MOUNTS, MOUNT);

	return result ? result : -ENOPARAM; /* this hook's "go on" */
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ptrace_access_check, struct task_struct *child)
{
	return in_scope() && !task_in_scope(child) ? forbid(0, TRACE) : 0;
}

/* A tracer outside that is invited in would act for the run. */
SEC("lsm/ptrace_traceme")
int BPF_PROG(ptrace_traceme, struct task_struct *parent)
{
	return in_scope() && !task_in_scope(parent) ? forbid(0, TRACE) : 0;
}

SEC("lsm/task_kill")
int BPF_PROG(task_kill, struct task_struct *task)
{
	return in_scope() && !task_in_scope(task) ? forbid(0, SIGNAL) : 0;
}

FORBIDDEN(bpf, 0, KERNEL)
FORBIDDEN(perf_event_open, 0, KERNEL)
FORBIDDEN(kernel_load_data, 0, KERNEL)
FORBIDDEN(kernel_read_file, 0, KERNEL)

SEC("lsm/inode_getattr")
int BPF_PROG(inode_getattr, const struct path *path)
{
	__u32 zero = 0;
	struct resolution *answer = bpf_map_lookup_elem(&resolutions, &zero);
	struct kernfs_node *node;
	struct super_block *sb;
	struct cgroup *cgroup;
	struct inode *inode;

	if (!answer || !answer->thread || (__u32)bpf_get_current_pid_tgid() != answer->thread)
		return 0;
	inode = READ_KERNEL(struct dentry, DENTRY(path), d_inode);
	sb = READ_KERNEL(struct inode, inode, i_sb);
	identify((__u64)inode, &answer->inode);
	if (READ_KERNEL(struct super_block, sb, s_magic) == CGROUP2_SUPER_MAGIC) {
		node = READ_KERNEL(struct inode, inode, i_private);
		cgroup = READ_KERNEL(struct kernfs_node, node, priv);
		answer->cgroup = READ_KERNEL(struct kernfs_node, node, id);
		answer->level = (__u32)READ_KERNEL(struct cgroup, cgroup, level);
	}
	answer->answered = 1;
	return 0;
}
