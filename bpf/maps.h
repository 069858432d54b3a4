/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What user space writes and reads; src/Moat.Kernel/Lsm/Layouts.cs holds the same layouts. */
#pragma once

#define DEPTH 128
#define NAME 256
#define PATH 512
#define PORTS 16

/* What may be done, as bits. KernelAction.cs gives them their names. */
#define READ 0x001
#define WRITE 0x002
#define CREATE 0x004
#define DELETE 0x008
#define RENAME 0x010
#define LINK 0x020
#define METADATA 0x040
#define EXECUTE 0x080
#define MAP 0x100
#define UNIX 0x200
/* Not file rights; only named in events. */
#define CONNECT 0x10000
#define SOCKET 0x20000
#define MOUNT 0x40000
#define TRACE 0x80000
#define SIGNAL 0x100000
#define KERNEL 0x200000
#define CGROUP 0x400000

/* Node flags. */
#define HAS_NAMES 1 /* some name beneath has a node of its own */

/* Settings flags. */
#define SHADOW 1
#define REVALIDATE 2
#define MOUNTS 4
#define OBSERVE_EXEC 8
#define OBSERVE_OPEN 16
#define CONNECTS 32 /* connections are judged at all */
#define ABSTRACT 64 /* abstract UNIX sockets may be connected to */
#define LAYERS 128  /* an overlay lies over other file systems: its own writes beneath are let through */

struct inode_key {
	__u64 ino;
	__u32 dev;
	__u32 gen;
};

struct node {
	__u32 id;
	__u32 self;
	__u32 below;
	__u32 flags;
};

struct name_key {
	__u32 parent;
	__u32 length;
	char name[NAME];
};

struct net_key {
	__u32 prefix;
	__u8 address[16];
};

struct port_rule {
	__u16 low;
	__u16 high;
	__u8 protocol; /* 0: any */
	__u8 allow;
	__u16 used;
};

struct net_rules {
	struct port_rule rule[PORTS];
};

struct settings {
	__u32 self;  /* rights where no rule reaches */
	__u32 below; /* the same, for a directory's content */
	__u32 pseudo; /* rights on files of the kernel's own mounts: memfd, pipes */
	__u32 flags;
	__u32 generation;
	__u32 connect; /* 1: addresses without a rule may be connected to */
};

/* One map for each generation of rules; the loader makes them as long as they have to be. */
#define GENERATIONS(name, kind, key_of, value_of) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
		__uint(max_entries, 3); \
		__type(key, __u32); \
		__array(values, struct { \
			__uint(type, kind); \
			__uint(max_entries, 1); \
			__uint(map_flags, BPF_F_NO_PREALLOC); \
			__uint(key_size, sizeof(struct key_of)); \
			__uint(value_size, sizeof(struct value_of)); \
		}); \
	} name SEC(".maps")

GENERATIONS(inodes, BPF_MAP_TYPE_HASH, inode_key, node);
GENERATIONS(names, BPF_MAP_TYPE_HASH, name_key, node);
GENERATIONS(networks, BPF_MAP_TYPE_LPM_TRIE, net_key, net_rules);

/* One entry a slot; the slot in force is named by `active`, which one write turns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} active SEC(".maps");

/* How user space learns an inode's identity as the kernel keeps it: it names its thread here, stats, and reads the answer. */
struct resolution {
	struct inode_key inode;
	__u64 cgroup; /* of a directory of cgroup version 2: its id and level */
	__u32 level;
	__u32 thread;
	__u32 answered;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resolution);
} resolutions SEC(".maps");

/* The run's cgroup; 0 until it is known. */
struct scope {
	__u64 cgroup;
	__u32 level;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope);
} scopes SEC(".maps");

/* A walk's own memory. Per task and not per processor: a task may be preempted within a program by another in the same one. */
struct scratch {
	__u64 dentry[DEPTH];
	struct name_key key;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct scratch);
} scratches SEC(".maps");
