/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where a process may connect or send to, and which sockets it may make. */
#pragma once

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262

static __noinline int judge_address(struct settings *s, __u32 slot, struct subject *what, __u32 protocol)
{
	struct net_key key = { .prefix = 128 };
	struct found f = {};
	struct net_rules *rules;
	void *map = bpf_map_lookup_elem(&networks, &slot);
	bool allow = s->connect;
	int i;

	__builtin_memcpy(key.address, what->address, sizeof(key.address));
	rules = map ? bpf_map_lookup_elem(map, &key) : 0;
	for (i = 0; rules && i < PORTS; i++) {
		struct port_rule *rule = &rules->rule[i];

		if (!rule->used)
			break;
		if (what->port >= rule->low && what->port <= rule->high && (!rule->protocol || rule->protocol == protocol)) {
			allow = rule->allow;
			break;
		}
	}
	if (allow)
		return 0;
	what->action = CONNECT;
	tell(s, &f, what, 1);
	return s->flags & SHADOW ? 0 : -EACCES;
}

static __always_inline int judge_sockaddr(struct socket *socket, void *address, int length, bool datagram)
{
	struct subject what = {};
	struct settings *s;
	__u32 slot = 0, protocol;
	__u16 family = 0, port = 0;
	struct sock *sk = READ_KERNEL(struct socket, socket, sk);

	if (!in_scope() || !address)
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (!(s->flags & CONNECTS) || length < 2)
		return 0;
	bpf_probe_read_kernel(&family, sizeof(family), address);
	what.family = READ_KERNEL(struct sock, sk, __sk_common.skc_family);
	protocol = READ_KERNEL(struct sock, sk, sk_protocol);
	if (what.family != AF_INET && what.family != AF_INET6)
		return 0;
	if (protocol == IPPROTO_MPTCP)
		protocol = IPPROTO_TCP;
	if (family == AF_INET6 && what.family == AF_INET6) {
		bpf_probe_read_kernel(what.address, 16, address + 8);
	} else if (family == AF_INET || (family == 0 && datagram && what.family == AF_INET)) {
		/* For a datagram of version 4 the kernel takes an unspecified family for its own. */
		what.address[10] = what.address[11] = 0xff;
		bpf_probe_read_kernel(what.address + 12, 4, address + 4);
	} else if (family == 0) {
		return 0; /* it dissolves a connection, or says no address */
	}
	bpf_probe_read_kernel(&port, sizeof(port), address + 2);
	what.port = bpf_ntohs(port);
	return judge_address(s, slot, &what, protocol);
}

SEC("lsm/socket_connect")
int BPF_PROG(socket_connect, struct socket *socket, struct sockaddr *address, int length)
{
	return judge_sockaddr(socket, address, length, false);
}

/* A datagram with an address of its own, or data sent with TCP's SYN. */
SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg, struct socket *socket, struct msghdr *message, int size)
{
	return judge_sockaddr(socket, message->msg_name, message->msg_namelen, true);
}

/* Where connections are judged, only sockets that those hooks see may be made: no raw, packet, vsock, alg or SCTP socket. */
SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kernel)
{
	struct found f = {};
	struct settings *s;
	__u32 slot = 0;
	struct subject what = { .action = SOCKET };

	if (!in_scope() || kernel)
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (!(s->flags & CONNECTS) || family == AF_UNIX || (family == AF_NETLINK && !protocol))
		return 0;
	if ((family == AF_INET || family == AF_INET6) &&
	    ((type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)) ||
	     (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP))))
		return 0;
	what.family = family;
	what.port = protocol;
	tell(s, &f, &what, 1);
	return s->flags & SHADOW ? 0 : -EACCES;
}

static __always_inline int judge_unix(struct sock *other)
{
	__u64 dentry = (__u64)READ_KERNEL(struct unix_sock, other, path.dentry);
	struct found f = {};
	struct settings *s;
	__u32 slot = 0;

	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (dentry)
		return judge(s, slot, dentry, UNIX, &f);
	return s->flags & ABSTRACT ? 0 : refuse(s, &f, 0, UNIX);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect, struct sock *sock, struct sock *other, struct sock *new)
{
	return judge_unix(other);
}

/* Also asked for each datagram over a connected pair, which has no name: sockets of one process tree, not judged. */
SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send, struct socket *sock, struct socket *other)
{
	struct sock *sk = READ_KERNEL(struct socket, other, sk);

	return (__u64)READ_KERNEL(struct unix_sock, sk, path.dentry) ? judge_unix(sk) : 0;
}
