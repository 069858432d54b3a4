/* Descriptors that were opened elsewhere or before, and the ring that opens without a system call. */
#include "attack.h"
#include <linux/io_uring.h>
#include <sys/sendfile.h>
#include <sys/un.h>

static int held = -1;
static int sockets[2];

static int hold_secret(void) { return (held = open("secret/key", O_RDONLY)) < 0; }
static int hold_for_writing(void) { return (held = open("ro/file", O_WRONLY)) < 0; }
static int hold_free(void) { return (held = open("open/free", O_RDONLY)) < 0; }
static int read_held(void) { return read_one(held); }
static int write_held(void) { return outcome(write(held, "x", 1)); }
static int truncate_held(void) { return outcome(ftruncate(held, 0)); }
static int free_file(void) { return open("open/free", O_WRONLY); }
static int send_held(void) { return outcome(sendfile(free_file(), held, 0, 1)); }
static int copy_held(void) { return outcome(copy_file_range(held, 0, free_file(), 0, 1, 0)); }

static int splice_held(void)
{
	int ends[2];

	return pipe(ends) ? BROKEN : outcome(splice(held, 0, ends[1], 0, 1, 0));
}

static int map_held(void)
{
	volatile char *mapped = mmap(0, 4096, PROT_READ, MAP_PRIVATE, held, 0);

	return mapped == MAP_FAILED ? outcome(-1) : mapped[0] == 0;
}

static int reopen_held(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	return read_path(path);
}

static void give(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	sendmsg(socket, &message, 0);
}

/* A helper outside the run has opened the secret and hands it in. */
static int prepare_gift(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 1;
	give(sockets[0], open("secret/key", O_RDONLY));
	return 0;
}

static int receive_gift(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(sockets[1], &message, 0) != 1)
		return outcome(-1);
	if (!CMSG_FIRSTHDR(&message))
		return DENIED; /* the kernel dropped it on the way */
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return read_one(fd);
}

/* One operation by io_uring; its result, negative errors in errno. */
static long ring(struct io_uring_sqe *operation)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 1, &p), result;
	char *submit = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	char *complete = mmap(0, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	struct io_uring_sqe *entries = mmap(0, p.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);

	if (fd < 0 || submit == MAP_FAILED || complete == MAP_FAILED || entries == MAP_FAILED)
		return -1;
	entries[0] = *operation;
	*(unsigned *)(submit + p.sq_off.array) = 0;
	*(unsigned *)(submit + p.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) != 1)
		return -1;
	result = ((struct io_uring_cqe *)(complete + p.cq_off.cqes))->res;
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result;
}

static int ring_open(void)
{
	struct io_uring_sqe operation = { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (unsigned long)"secret/key", .open_flags = O_RDONLY };
	long fd = ring(&operation);

	return fd < 0 ? outcome(-1) : read_one((int)fd);
}

static int ring_unlink(void)
{
	struct io_uring_sqe operation = { .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (unsigned long)"ro/file" };

	return outcome(ring(&operation));
}

static int ring_rename(void)
{
	struct io_uring_sqe operation = { .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = (unsigned long)"one", .len = (unsigned)AT_FDCWD, .addr2 = (unsigned long)"open/moved" };

	return outcome(ring(&operation));
}

static int ring_link(void)
{
	struct io_uring_sqe operation = { .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD, .addr = (unsigned long)"secret/key", .len = (unsigned)AT_FDCWD, .addr2 = (unsigned long)"open/hard" };

	return outcome(ring(&operation));
}

static int ring_read(void)
{
	static char byte;
	struct io_uring_sqe operation = { .opcode = IORING_OP_READ, .fd = held, .addr = (unsigned long)&byte, .len = 1 };

	return outcome(ring(&operation));
}

const struct attack descriptor_attacks[] = {
	{ "read_held", hold_secret, read_held }, { "read_held_free", hold_free, read_held }, { "write_held", hold_for_writing, write_held },
	{ "truncate_held", hold_for_writing, truncate_held }, { "send_held", hold_secret, send_held }, { "copy_held", hold_secret, copy_held },
	{ "splice_held", hold_secret, splice_held }, { "map_held", hold_secret, map_held }, { "reopen_held", hold_secret, reopen_held },
	{ "receive_gift", prepare_gift, receive_gift }, { "ring_open", 0, ring_open }, { "ring_unlink", 0, ring_unlink },
	{ "ring_rename", 0, ring_rename }, { "ring_link", 0, ring_link }, { "ring_read", hold_secret, ring_read }, { 0, 0, 0 },
};
