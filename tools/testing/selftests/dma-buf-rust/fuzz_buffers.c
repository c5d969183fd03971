// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to heaps, to buffers, and to what is mapped of them.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "fuzz.h"

/* Small: heaps take all memory there is when they are asked for more. */
static const __u64 lengths[] = {
	4096, 8192, 1, 0, 16384, 65536, 5000, 262144, 1048577, 20480, ~0ULL,
};

static const __u32 fd_flags[] = {
	O_RDWR | O_CLOEXEC, O_RDWR, O_RDONLY, O_WRONLY, O_CLOEXEC, O_ACCMODE,
	O_RDWR | O_NONBLOCK, O_RDWR | O_APPEND, O_PATH, O_TRUNC, ~0U, 1U << 31,
};

static void heap_open(struct run *r, const __u8 *a)
{
	static const int flags[] = {
		O_RDONLY, O_RDWR, O_WRONLY, O_RDONLY | O_NONBLOCK, O_PATH,
		O_RDONLY | O_DIRECTORY,
	};

	got_fd(r, HEAP, open_some_heap(a[0], PICK(flags, a[1]) | O_CLOEXEC));
}

static void heap_alloc(struct run *r, const __u8 *a)
{
	struct dma_heap_allocation_data data = {
		.len = PICK(lengths, a[1]),
		.fd = SELDOM(a[4]) ? a[4] : 0,
		.fd_flags = PICK(fd_flags, SELDOM(a[2]) ? a[2] : a[2] & 1),
		.heap_flags = SELDOM(a[3]) ? 1ULL << (a[6] & 63) : 0,
	};
	long ret = ioctl(fd_of(r, HEAP, a[0]), DMA_HEAP_IOCTL_ALLOC,
			 arg_at(a[5], &data, sizeof(data)));

	/* the descriptor of one that says so in memory that cannot be written is ours, too */
	got_fd(r, BUF, ret < 0 || !data.fd ? ret : (int)data.fd);
}

/* The same with an argument of another size, of which each side takes what it knows */
static void heap_odd(struct run *r, const __u8 *a)
{
	static const __u32 sizes[] = { 32, 64, 24, 20, 16, 8, 256, 0 };
	union {
		struct dma_heap_allocation_data data;
		__u8 bytes[256];
	} arg = {
		.data.len = PICK(lengths, a[1] & 7),
		.data.fd_flags = PICK(fd_flags, SELDOM(a[4]) ? a[4] : a[4] & 1),
	};
	unsigned long cmd = _IOC(a[2] ? a[2] & 3 : 3, 'H', 0, PICK(sizes, a[3]));

	if (said(r, ioctl(fd_of(r, HEAP, a[0]), cmd, arg_at(a[5], &arg, sizeof(arg)))))
		return;
	/* of one that was not told the program never knows */
	if (arg.data.fd)
		put_slot(r, BUF, arg.data.fd);
}

/* A device of the heaps' kind, of which there may be no heap */
static void heap_node(struct run *r, const __u8 *a)
{
	struct stat st;
	char path[64];

	if (stat("/dev/dma_heap/system", &st)) {
		said(r, -1);
		return;
	}
	snprintf(path, sizeof(path), "/tmp/heap-%d", gettid());
	unlink(path);
	if (!said(r, mknod(path, S_IFCHR | 0600, makedev(major(st.st_rdev), a[0]))))
		got_fd(r, HEAP, open(path, O_RDONLY | O_CLOEXEC));
	unlink(path);
}

/* Numbers that are nearly those of ours, with what is in an argument anyway */
static void odd_ioctl(struct run *r, const __u8 *a)
{
	static const __u8 magics[] = { 'b', 'H', '>', 'W', 'u', 'd', 'V' };
	static const enum thing kinds[] = { BUF, HEAP, FENCE, LINE, UDMABUF };
	__u8 bytes[512];
	unsigned long cmd;

	memset(bytes, SELDOM(a[5]) ? a[5] : 0, sizeof(bytes));
	cmd = _IOC(a[1] & 3, PICK(magics, a[2]), a[3] & 0x4f,
		   SELDOM(a[4]) ? 256 + (a[4] & 31) : a[4] & 63);
	/* these wait, or give descriptors that nobody closes */
	if (_IOC_NR(cmd) > 8 || PICK(magics, a[2]) == 'V')
		cmd |= 0x80;
	/*
	 * With no more than a length, or half of one, a heap would take all memory.
	 * It does not look at the magic number, and any descriptor may be one's.
	 */
	if (!_IOC_NR(cmd) && _IOC_SIZE(cmd) <= sizeof(__u64))
		memset(bytes, 0, sizeof(bytes));
	said(r, patient_ioctl(r, fd_of(r, PICK(kinds, a[6]), a[0]), cmd,
			      arg_at(a[5], bytes, sizeof(bytes))));
}

static void buf_sync(struct run *r, const __u8 *a)
{
	struct dma_buf_sync sync = { .flags = a[1] & 7 };

	if (SELDOM(a[2]))
		sync.flags |= 1ULL << (a[2] & 31) << (a[3] & 31);
	said(r, patient_ioctl(r, fd_of(r, BUF, a[0]), DMA_BUF_IOCTL_SYNC,
			      arg_at(a[4], &sync, sizeof(sync))));
}

static void buf_name(struct run *r, const __u8 *a)
{
	static const unsigned long cmds[] = {
		DMA_BUF_SET_NAME_B, DMA_BUF_SET_NAME_A,
	};
	char name[64];

	memset(name, 'a' + a[1] % 26, sizeof(name));
	name[a[2] % 40] = '\0';
	if (SELDOM(a[3]))
		name[0] = '\n';
	said(r, ioctl(fd_of(r, BUF, a[0]), PICK(cmds, a[3] & 1),
		      arg_at(a[4], name, sizeof(name))));
}

static void buf_export(struct run *r, const __u8 *a)
{
	struct dma_buf_export_sync_file arg = {
		.flags = SELDOM(a[1]) ? 1U << (a[1] & 31) : a[1] & 3,
		.fd = -1,
	};
	long ret = ioctl(fd_of(r, BUF, a[0]), DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
			 arg_at(a[2], &arg, sizeof(arg)));

	got_fd(r, FENCE, ret < 0 ? ret : arg.fd);
}

static void buf_import(struct run *r, const __u8 *a)
{
	struct dma_buf_import_sync_file arg = {
		.flags = SELDOM(a[2]) ? 1U << (a[2] & 31) : a[2] & 3,
		.fd = fd_of(r, FENCE, a[1]),
	};

	said(r, ioctl(fd_of(r, BUF, a[0]), DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
		      arg_at(a[3], &arg, sizeof(arg))));
}

static void buf_mmap(struct run *r, const __u8 *a)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE,
		PROT_READ | PROT_EXEC,
	};
	static const int flags[] = { MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_POPULATE };
	static const off_t offsets[] = { 0, 4096, 8192, 1LL << 40, -4096 };
	/* of the last page tables are more than one */
	size_t len = SELDOM(a[5]) ? 3 << 20 : PICK(lengths, a[1] & 7);
	struct slot *s;
	char *at;

	at = mmap(NULL, len, PICK(prots, SELDOM(a[2]) ? a[2] : 0),
		  PICK(flags, a[3] < 0xc0 ? 0 : a[3]),
		  fd_of(r, BUF, a[0]), PICK(offsets, SELDOM(a[4]) ? a[4] : 0));
	if (at == MAP_FAILED) {
		said(r, -1);
		return;
	}
	say(r, "=map");
	s = put_slot(r, MAPPING, -1);
	if (s->fd == -1 && s->kind == MAPPING) {
		s->map = at;
		s->len = len;
	} else {
		munmap(at, len);
	}
}

static void map_touch(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, MAPPING, a[0]);
	char value = a[2];

	if (s->kind != MAPPING || !s->map) {
		say(r, "=none");
		return;
	}
	if (touch(s->map + a[3] * 997 % (s->len ? s->len : 1), a[1] & 1, &value))
		say(r, "=%02x", (__u8)value);
	else
		say(r, "=fault");
}

static void map_change(struct run *r, const __u8 *a)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_DONTFORK, MADV_WILLNEED, MADV_REMOVE,
		MADV_DONTDUMP, MADV_FREE, MADV_PAGEOUT,
	};
	struct slot *s = slot_of(r, MAPPING, a[0]);
	void *at;

	if (s->kind != MAPPING || !s->map) {
		say(r, "=none");
		return;
	}
	switch (a[1] % 6) {
	case 0:
		if (!said(r, munmap(s->map, s->len)))
			drop_slot(s);
		break;
	case 1:
		said(r, mprotect(s->map, s->len, a[2] & 7));
		break;
	case 2:
		said(r, madvise(s->map, s->len, PICK(advices, a[2])));
		break;
	case 3:
		at = mremap(s->map, s->len, PICK(lengths, a[2] & 7), MREMAP_MAYMOVE);
		if (at == MAP_FAILED) {
			said(r, -1);
			break;
		}
		say(r, "=map");
		s->map = at;
		s->len = PICK(lengths, a[2] & 7);
		break;
	case 4:
		said(r, msync(s->map, s->len, MS_SYNC));
		break;
	case 5:
		/* a second mapping of the same */
		at = mremap(s->map, 0, s->len, MREMAP_MAYMOVE);
		if (at == MAP_FAILED) {
			said(r, -1);
			break;
		}
		say(r, "=map");
		munmap(at, s->len);
		break;
	}
}

/* The kernel finds the pages of a mapping by itself, or does not. */
static void map_use(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, MAPPING, a[0]);
	struct iovec here, there;
	char bytes[64] = "";
	int memfd;

	if (s->kind != MAPPING || !s->map) {
		say(r, "=none");
		return;
	}
	switch (a[1] & 3) {
	case 0:
		memfd = fd_of(r, MEMFD, a[2]);
		said(r, pread(memfd, s->map, sizeof(bytes), 0));
		break;
	case 1:
		memfd = fd_of(r, MEMFD, a[2]);
		said(r, pwrite(memfd, s->map, sizeof(bytes), 0));
		break;
	case 2:
		here = (struct iovec){ bytes, sizeof(bytes) };
		there = (struct iovec){ s->map, sizeof(bytes) };
		if (a[2] & 1)
			said(r, process_vm_writev(getpid(), &here, 1, &there, 1, 0));
		else
			said(r, process_vm_readv(getpid(), &here, 1, &there, 1, 0));
		break;
	case 3:
		said(r, mlock(s->map, s->len));
		said(r, munlock(s->map, s->len));
		break;
	}
}

/* What all buffers of the machine are; only we have any. */
static void bufs_look(struct run *r, const __u8 *a)
{
	char text[65536];

	(void)a;
	if (!read_file(BUFINFO, text, sizeof(text)))
		said(r, -1);
	else if (!r->world->racing)
		say_masked(r, text, strlen(text));
}

const struct op buffer_ops[] = {
	{ "heap_open", heap_open }, { "heap_alloc", heap_alloc },
	{ "heap_odd", heap_odd }, { "heap_node", heap_node },
	{ "odd_ioctl", odd_ioctl }, { "buf_sync", buf_sync },
	{ "buf_name", buf_name }, { "buf_export", buf_export },
	{ "buf_import", buf_import }, { "buf_mmap", buf_mmap },
	{ "map_touch", map_touch }, { "map_change", map_change },
	{ "map_use", map_use }, { "bufs_look", bufs_look },
	{ }
};
