/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is told to user space. Denials have a ring of their own, so that no flood of opens or execs starves it. The same
 * event again is counted, not told: it is told at its first time and at each doubling. What no ring takes is counted too.
 */
#pragma once

struct event {
	__u64 nanoseconds;
	__u64 cgroup;
	__u64 times; /* how often this very event has happened */
	struct inode_key inode;
	__u32 pid;
	__u32 thread;
	__u32 uid;
	__u32 action;
	__u32 node;
	__u32 generation;
	__u16 denied; /* 1: the policy says no */
	__u16 shadow; /* 1: and it was let through all the same */
	__u16 port;
	__u16 family;
	__u8 address[16];
	char comm[16];
	__u32 length; /* bytes of path, the last of them NUL */
	char path[PATH]; /* from the node, or from the file system's root where node is 0 */
};

struct seen_key {
	struct inode_key inode;
	__u8 address[16];
	__u64 name; /* the dentry or file object of what has no inode */
	__u32 action;
	__u32 pid;
	__u16 port;
	__u16 denied;
	__u32 generation;
};

enum counter { DENIALS_LOST, EVENTS_LOST, DENIALS_FOLDED, EVENTS_FOLDED, COUNTERS };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} denials SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct seen_key);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 which)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

/* How often the event has happened, this time included; 0 where this time need not be told. */
static __always_inline __u64 again(struct seen_key *key)
{
	__u64 one = 1, times;
	__u64 *known = bpf_map_lookup_elem(&seen, key);

	if (!known) {
		bpf_map_update_elem(&seen, key, &one, 0);
		return 1;
	}
	times = __sync_fetch_and_add(known, 1) + 1;
	return times & (times - 1) ? 0 : times;
}

struct spelling {
	struct event *event;
	struct scratch *scratch;
	__u32 left;
	__u32 at;
};

static long spell_one(__u64 index, struct spelling *s)
{
	const unsigned char *name;
	long length;
	__u32 at = s->at;

	if (!s->left || at >= PATH - NAME)
		return 1;
	s->left--;
	name = READ_KERNEL(struct dentry, s->scratch->dentry[s->left & (DEPTH - 1)], d_name.name);
	if (at)
		s->event->path[(at - 1) & (PATH - 1)] = '/';
	length = bpf_probe_read_kernel_str(&s->event->path[at & (PATH - NAME - 1)], NAME, name);
	if (length <= 0)
		return 1;
	s->at = at + (__u32)length;
	return 0;
}

struct subject {
	__u64 dentry;
	__u32 action;
	__u16 port;
	__u16 family;
	__u8 address[16];
};

static __noinline int tell(struct settings *s, struct found *f, struct subject *what, __u32 denied)
{
	struct seen_key key = {};
	struct spelling spelling = {};
	struct event *event;
	__u64 times, ids = bpf_get_current_pid_tgid();

	key.inode = f->inode;
	__builtin_memcpy(key.address, what->address, sizeof(key.address));
	key.name = f->inode.ino ? 0 : what->dentry;
	key.action = what->action;
	key.pid = denied ? (__u32)(ids >> 32) : 0;
	if (what->action == EXECUTE)
		key.pid = (__u32)(ids >> 32);
	key.port = what->port;
	key.denied = denied;
	key.generation = s->generation;
	times = again(&key);
	if (!times) {
		count(denied ? DENIALS_FOLDED : EVENTS_FOLDED);
		return 0;
	}
	event = denied ? bpf_ringbuf_reserve(&denials, sizeof(*event), 0) : bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(denied ? DENIALS_LOST : EVENTS_LOST);
		/* The next time is the first that is told. */
		bpf_map_delete_elem(&seen, &key);
		return 0;
	}
	event->nanoseconds = bpf_ktime_get_boot_ns();
	event->cgroup = bpf_get_current_cgroup_id();
	event->times = times;
	event->inode = f->inode;
	event->pid = (__u32)(ids >> 32);
	event->thread = (__u32)ids;
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->action = what->action;
	event->node = f->node;
	event->generation = s->generation;
	event->denied = denied;
	event->shadow = s->flags & SHADOW ? 1 : 0;
	event->port = what->port;
	event->family = what->family;
	__builtin_memcpy(event->address, what->address, sizeof(event->address));
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->path[0] = 0;
	spelling.event = event;
	spelling.left = what->dentry ? f->height : 0;
	spelling.scratch = bpf_task_storage_get(&scratches, bpf_get_current_task_btf(), 0, 0);
	if (spelling.scratch)
		bpf_loop(DEPTH, spell_one, &spelling, 0);
	event->length = spelling.at;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
