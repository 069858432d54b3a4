/* Ways to reach what may not be reached: only TCP to 127.0.0.1, port 7001, may. */
#include "attack.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/un.h>

static struct sockaddr_in old_address(const char *host, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

	inet_pton(AF_INET, host, &address.sin_addr);
	return address;
}

static int connect_old(int type, int protocol, const char *host, int port)
{
	struct sockaddr_in address = old_address(host, port);

	int fd = socket(AF_INET, type, protocol);

	return fd < 0 ? outcome(-1) : outcome(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_new(const char *host, int port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port) };

	inet_pton(AF_INET6, host, &address.sin6_addr);
	return outcome(connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)));
}

static int allowed(void) { return connect_old(SOCK_STREAM, 0, "127.0.0.1", 7001); }
static int allowed_mapped(void) { return connect_new("::ffff:127.0.0.1", 7001); }
static int other_port(void) { return connect_old(SOCK_STREAM, 0, "127.0.0.1", 7002); }
static int other_address(void) { return connect_old(SOCK_STREAM, 0, "127.0.0.2", 7001); }
static int any_address(void) { return connect_old(SOCK_STREAM, 0, "0.0.0.0", 7001); }
static int version_6(void) { return connect_new("::1", 7001); }
static int mapped(void) { return connect_new("::ffff:127.0.0.2", 7001); }
static int datagram_connect(void) { return connect_old(SOCK_DGRAM, 0, "127.0.0.1", 7001); }
static int multipath(void) { return connect_old(SOCK_STREAM, 262, "127.0.0.1", 7002); }
static int raw(void) { return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int raw_6(void) { return outcome(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)); }
static int packet(void) { return outcome(socket(AF_PACKET, SOCK_RAW, 0)); }
static int netlink(void) { return outcome(socket(AF_NETLINK, SOCK_RAW, 15)); }

static int datagram(void)
{
	struct sockaddr_in address = old_address("127.0.0.1", 7001);

	return outcome(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&address, sizeof(address)));
}

static int datagram_of_no_family(void)
{
	struct sockaddr_in address = old_address("127.0.0.1", 7001);

	address.sin_family = AF_UNSPEC;
	return outcome(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&address, sizeof(address)));
}

/* On a socket of version 6 the kernel takes an address of version 4 for a mapped one. */
static int datagram_of_other_family(void)
{
	struct sockaddr_in address = old_address("127.0.0.1", 7001);

	return outcome(sendto(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&address, sizeof(address)));
}

static int datagrams(void)
{
	struct sockaddr_in address = old_address("127.0.0.1", 7001);
	struct iovec data = { "x", 1 };
	struct mmsghdr messages[2] = { { .msg_hdr = { &address, sizeof(address), &data, 1, 0, 0, 0 } }, { .msg_hdr = { &address, sizeof(address), &data, 1, 0, 0, 0 } } };

	return outcome(sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), messages, 2, 0));
}

static int fast_open(void)
{
	struct sockaddr_in address = old_address("127.0.0.1", 7002);

	return outcome(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof(address)));
}

static int reconnect(void)
{
	struct sockaddr_in good = old_address("127.0.0.1", 7001), bad = old_address("127.0.0.1", 7002);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&good, sizeof(good)) || connect(fd, &none, sizeof(none)))
		return BROKEN;
	return outcome(connect(fd, (struct sockaddr *)&bad, sizeof(bad)));
}

static int listen_at(const char *path, int type, int abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	strcpy(address.sun_path + abstract, path);
	return bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1)) || (type == SOCK_STREAM && listen(fd, 4));
}

static int connect_at(const char *path, int type, int abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path + abstract, path);
	return outcome(connect(socket(AF_UNIX, type, 0), (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1)));
}

static int listen_stream(void) { return listen_at("secret/sock", SOCK_STREAM, 0); }
static int unix_stream(void) { return connect_at("secret/sock", SOCK_STREAM, 0); }
static int listen_datagram(void) { return listen_at("secret/sock", SOCK_DGRAM, 0); }
static int unix_datagram(void) { return connect_at("secret/sock", SOCK_DGRAM, 0); }
static int listen_abstract(void) { return listen_at("moat-attack", SOCK_STREAM, 1); }
static int unix_abstract(void) { return connect_at("moat-attack", SOCK_STREAM, 1); }
static int listen_free(void) { return listen_at("open/sock", SOCK_STREAM, 0); }
static int unix_free(void) { return connect_at("open/sock", SOCK_STREAM, 0); }

const struct attack network_attacks[] = {
	{ "net_allowed", 0, allowed }, { "net_allowed_mapped", 0, allowed_mapped }, { "net_other_port", 0, other_port },
	{ "net_other_address", 0, other_address }, { "net_any_address", 0, any_address }, { "net_version_6", 0, version_6 }, { "net_mapped", 0, mapped },
	{ "net_datagram_connect", 0, datagram_connect }, { "net_datagram", 0, datagram }, { "net_datagram_of_no_family", 0, datagram_of_no_family },
	{ "net_datagram_of_other_family", 0, datagram_of_other_family }, { "net_datagrams", 0, datagrams }, { "net_fast_open", 0, fast_open },
	{ "net_multipath", 0, multipath }, { "net_reconnect", 0, reconnect }, { "net_raw", 0, raw }, { "net_raw_6", 0, raw_6 },
	{ "net_packet", 0, packet }, { "net_netlink", 0, netlink }, { "unix_stream", listen_stream, unix_stream },
	{ "unix_datagram", listen_datagram, unix_datagram }, { "unix_abstract", listen_abstract, unix_abstract }, { "unix_free", listen_free, unix_free },
	{ 0, 0, 0 },
};
