// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to memory files, and to udmabuf.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "fuzz.h"

static const __u64 places[] = {
	0, 4096, 8192, 16384, 12288, 1, 100, 65536, ~0ULL, ~0ULL - 4095, 1ULL << 63, 1ULL << 44,
	1ULL << 20, 1ULL << 21, (1ULL << 21) - 4096,
};

static void memfd_new(struct run *r, const __u8 *a)
{
	static const int flags[] = { MFD_ALLOW_SEALING, MFD_ALLOW_SEALING, 0 };
	int fd = memfd_create("fuzz", PICK(flags, a[0] & 3) | MFD_CLOEXEC);

	if (fd < 0) {
		said(r, -1);
		return;
	}
	said(r, ftruncate(fd, PICK(places, a[1] & 7)));
	said(r, fcntl(fd, F_ADD_SEALS, SELDOM(a[2]) ? a[2] & 31 : F_SEAL_SHRINK));
	got_fd(r, MEMFD, fd);
}

/* Its pages are 2 MiB each; the guest has a few. */
static void memfd_huge(struct run *r, const __u8 *a)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_CLOEXEC);

	if (fd < 0) {
		said(r, -1);
		return;
	}
	said(r, ftruncate(fd, (1 + (a[0] & 1)) << 21));
	said(r, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	got_fd(r, MEMFD, fd);
}

static void memfd_write(struct run *r, const __u8 *a)
{
	char bytes[64];

	memset(bytes, a[1], sizeof(bytes));
	said(r, pwrite(fd_of(r, MEMFD, a[0]), bytes, sizeof(bytes), (a[2] & 3) * 4096));
}

static void memfd_read(struct run *r, const __u8 *a)
{
	__u8 byte = 0;

	if (said(r, pread(fd_of(r, MEMFD, a[0]), &byte, 1, (a[2] & 3) * 4096)) == 1)
		say(r, ",%02x", byte);
}

static void udmabuf_new(struct run *r, const __u8 *a)
{
	struct udmabuf_create arg = {
		.memfd = fd_of(r, MEMFD, a[1]),
		.flags = SELDOM(a[2]) ? a[2] & 31 : a[2] & 1,
		.offset = PICK(places, SELDOM(a[3]) ? a[3] : a[3] & 1),
		.size = PICK(places, SELDOM(a[4]) ? a[4] : 1 + (a[4] & 1)),
	};

	got_fd(r, BUF, ioctl(fd_of(r, UDMABUF, a[0]), UDMABUF_CREATE,
			     arg_at(a[5], &arg, sizeof(arg))));
}

static void udmabuf_list(struct run *r, const __u8 *a)
{
	static const __u32 counts[] = { 1, 2, 3, 0, 4, 1024, 1025, 0xffffffff, 0x08000000 };
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item items[1100];
	} arg = { 0 };
	__u32 count = PICK(counts, SELDOM(a[2]) ? a[2] : a[2] & 1);
	int fds[2] = { fd_of(r, MEMFD, a[1]), fd_of(r, MEMFD, a[6]) };

	arg.head.flags = SELDOM(a[3]) ? a[3] & 31 : a[3] & 1;
	arg.head.count = count;
	for (__u32 i = 0; i < count && i < ARRAY_SIZE(arg.items); i++)
		arg.items[i] = (struct udmabuf_create_item){
			.memfd = fds[i & 1],
			.__pad = SELDOM(a[5]) ? a[5] : 0,
			.offset = PICK(places, SELDOM(a[4]) ? a[4] + i : i & 1),
			/* nothing, of the others */
			.size = i && SELDOM(a[6]) ? 0 : PICK(places, SELDOM(a[3]) ? a[3] : 1),
		};
	got_fd(r, BUF, ioctl(fd_of(r, UDMABUF, a[0]), UDMABUF_CREATE_LIST,
			     arg_at(a[5], &arg, sizeof(arg))));
}

const struct op udmabuf_ops[] = {
	{ "memfd_new", memfd_new }, { "memfd_huge", memfd_huge },
	{ "memfd_write", memfd_write },
	{ "memfd_read", memfd_read }, { "udmabuf_new", udmabuf_new },
	{ "udmabuf_list", udmabuf_list },
	{ }
};
