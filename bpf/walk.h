/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a dentry to the rights on it. The walk climbs the file system's own tree, not the mounts: a bind mount, a chroot
 * or another spelling of the path leads over the same dentries. The first inode that carries a node ends the climb; from
 * there the names that were passed are walked back down, as far as nodes are known by name. So a rule holds for a path
 * that does not exist yet, and for the file that another program puts in a labelled file's place.
 */
#pragma once

struct found {
	__u32 node;
	__u32 mask;  /* rights on the thing itself */
	__u32 below; /* rights on what lies in it */
	__u32 flags;
	__u32 height; /* how many names lie between the thing and its node */
	__u32 hit;    /* 1: a node was found */
	struct inode_key inode;
};

struct climb {
	struct scratch *scratch;
	__u64 at;
	__u32 slot;
	__u32 depth;
	__u32 hit;
	__u32 done;
	struct node node;
};

#define READ_KERNEL(type, pointer, member)                                           \
	({                                                                           \
		const type *base_ = (const type *)(pointer);                         \
		typeof(((type *)0)->member) value_ = 0;                              \
		bpf_core_read(&value_, sizeof(value_), &base_->member);              \
		value_;                                                              \
	})

static __always_inline void identify(__u64 inode, struct inode_key *key)
{
	struct super_block *sb = READ_KERNEL(struct inode, inode, i_sb);

	key->ino = READ_KERNEL(struct inode, inode, i_ino);
	key->gen = READ_KERNEL(struct inode, inode, i_generation);
	key->dev = READ_KERNEL(struct super_block, sb, s_dev);
}

static long climb_one(__u64 index, struct climb *c)
{
	__u64 inode = (__u64)READ_KERNEL(struct dentry, c->at, d_inode);
	__u64 parent;

	c->scratch->dentry[c->depth & (DEPTH - 1)] = c->at;
	if (inode) {
		struct inode_key key = {};
		void *map = bpf_map_lookup_elem(&inodes, &c->slot);
		struct node *node;

		identify(inode, &key);
		node = map ? bpf_map_lookup_elem(map, &key) : 0;
		if (node) {
			c->node = *node;
			c->hit = 1;
			c->done = 1;
			return 1;
		}
	}
	parent = (__u64)READ_KERNEL(struct dentry, c->at, d_parent);
	if (parent == c->at) {
		c->done = 1;
		return 1;
	}
	c->at = parent;
	c->depth++;
	return 0;
}

static long descend_one(__u64 index, struct climb *c)
{
	struct name_key *key = &c->scratch->key;
	struct node *node;
	void *map;
	const unsigned char *name;
	__u64 dentry;

	if (!c->depth || !(c->node.flags & HAS_NAMES))
		return 1;
	dentry = c->scratch->dentry[(c->depth - 1) & (DEPTH - 1)];
	name = READ_KERNEL(struct dentry, dentry, d_name.name);
	__builtin_memset(key, 0, sizeof(*key));
	key->parent = c->node.id;
	key->length = READ_KERNEL(struct dentry, dentry, d_name.len);
	bpf_probe_read_kernel_str(key->name, NAME, name);
	map = bpf_map_lookup_elem(&names, &c->slot);
	node = map ? bpf_map_lookup_elem(map, key) : 0;
	if (!node)
		return 1;
	c->node = *node;
	c->depth--;
	return 0;
}

/* 0, or -1 where the walk cannot be finished: too deep, no memory, or a dentry that hangs on no tree. Callers refuse then. */
static __noinline int find(struct settings *s, __u32 slot, __u64 dentry, struct found *f)
{
	struct climb c = { .at = dentry, .slot = slot };
	struct super_block *sb = READ_KERNEL(struct dentry, dentry, d_sb);
	__u64 inode = (__u64)READ_KERNEL(struct dentry, dentry, d_inode);

	__builtin_memset(f, 0, sizeof(*f));
	if (!dentry)
		return -1;
	if (inode)
		identify(inode, &f->inode);
	if (READ_KERNEL(struct super_block, sb, s_flags) & 1UL << 31) { /* SB_NOUSER: no path leads there */
		f->mask = f->below = s->pseudo;
		return 0;
	}
	c.scratch = bpf_task_storage_get(&scratches, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c.scratch)
		return -1;
	bpf_loop(DEPTH, climb_one, &c, 0);
	if (!c.done)
		return -1;
	if (!c.hit) {
		f->height = c.depth;
		f->mask = s->self;
		f->below = s->below;
		return c.at == (__u64)READ_KERNEL(struct super_block, sb, s_root) ? 0 : -1;
	}
	bpf_loop(DEPTH, descend_one, &c, 0);
	f->hit = 1;
	f->height = c.depth;
	f->node = c.node.id;
	f->flags = c.depth ? 0 : c.node.flags;
	f->below = c.node.below;
	f->mask = c.depth ? c.node.below : c.node.self;
	return 0;
}
