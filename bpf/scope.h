/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who is judged: every process in the run's cgroup or in one beneath it, whenever that was made. */
#pragma once

#define EACCES 13

static __always_inline bool in_scope(void)
{
	__u32 zero = 0;
	struct scope *scope = bpf_map_lookup_elem(&scopes, &zero);

	return scope && scope->cgroup && bpf_get_current_ancestor_cgroup_id(scope->level) == scope->cgroup;
}

static __always_inline bool task_in_scope(struct task_struct *task)
{
	__u32 zero = 0;
	struct scope *scope = bpf_map_lookup_elem(&scopes, &zero);
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp), *ancestor = 0;

	if (!scope || (__u32)BPF_CORE_READ(cgroup, level) < scope->level)
		return false;
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) + sizeof(void *) * scope->level);
	return BPF_CORE_READ(ancestor, kn, id) == scope->cgroup;
}

/* The policy in force. One read of `active` an answer: every map that the answer then reads is of the same generation. */
static __always_inline struct settings *policy(__u32 *slot)
{
	__u32 zero = 0, *now = bpf_map_lookup_elem(&active, &zero);

	if (!now)
		return 0;
	*slot = *now & 1;
	return bpf_map_lookup_elem(&settings, slot);
}

static __always_inline int refuse(struct settings *s, struct found *f, __u64 dentry, __u32 action)
{
	struct subject what = { .dentry = dentry, .action = action };

	tell(s, f, &what, 1);
	return s->flags & SHADOW ? 0 : -EACCES;
}

/* Refuses an action that has no path, unless `allowed` is among the settings. */
static __always_inline int forbid(__u32 allowed, __u32 action)
{
	struct found f = {};
	struct settings *s;
	__u32 slot = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (s->flags & allowed)
		return 0;
	return refuse(s, &f, 0, action);
}

static __always_inline int judge(struct settings *s, __u32 slot, __u64 dentry, __u32 need, struct found *f)
{
	if (find(s, slot, dentry, f)) {
		f->height = 0;
		return refuse(s, f, dentry, need);
	}
	if ((f->mask & need) != need)
		return refuse(s, f, dentry, need & ~f->mask);
	return 0;
}

/* Asks for rights on one dentry and needs nothing more. */
static __always_inline int require(__u64 dentry, __u32 need)
{
	struct found f;
	struct settings *s;
	__u32 slot = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	return judge(s, slot, dentry, need, &f);
}
