// SPDX-License-Identifier: GPL-2.0
/*
 * What the operations of dma-buf cost, for "make bench": a line for each,
 *
 *   BENCH <name> <cost> <what it is>
 *
 * The cost is the time of one run in nanoseconds. QEMU's -icount shift=0 makes
 * that the number of instructions that the guest executed, in the kernel and in
 * here (which is next to nothing).
 *
 *   bench              all operations
 *   bench NAME         only this one: waits for a line on its input after it has
 *                      warmed up, so that somebody can begin to look at it
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#include "common.h"

/*
 * How long an operation is repeated before it is looked at, how many times as
 * long it is measured, and what part of that time is traced for a profile. What
 * RCU frees is freed in batches, of which there should be many.
 */
#define WARM_NS		30000000ULL
#define MEASURE_TIMES	4
#define TRACE_PART	8

#define CMA_HEAP	"default_cma_region"
#define IDLE_BYTES	(4 * 4096)
#define CROWD		900

/* What the operations work on */
static int heap, cma, card, memfd, udmabuf;
/* Buffers: one without fences, one with a pending fence, one to import that into */
static int idle, busy, target;
static int timeline;
/* sync_files: pending ones of two timelines, both merged, a signalled one */
static int pending, other, both, signalled;
static __u32 next_value;
static char fdinfo_path[64];

static void done(int fd, const char *what)
{
	t_need(fd >= 0, what);
	close(fd);
}

static void heap_open(void)
{
	done(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), "open");
}

static void heap_bad_ioctl(void)
{
	t_need(ioctl(heap, _IO('H', 99)) < 0, "a bad ioctl");
}

static void alloc_4k(void)
{
	done(alloc_fd(heap, 4096), "alloc");
}

static void alloc_64k(void)
{
	done(alloc_fd(heap, 65536), "alloc");
}

static void alloc_1m(void)
{
	done(alloc_fd(heap, MEGABYTE), "alloc");
}

static void alloc_4m(void)
{
	done(alloc_fd(heap, 4 * MEGABYTE), "alloc");
}

static void alloc_cma(void)
{
	done(alloc_fd(cma, MEGABYTE), "alloc");
}

static void map_touch(void)
{
	char *p = mmap(NULL, IDLE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       idle, 0);

	t_need(p != MAP_FAILED, "mmap");
	for (size_t at = 0; at < IDLE_BYTES; at += 4096)
		p[at] = 1;
	munmap(p, IDLE_BYTES);
}

static void sync_pair(void)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_RW };

	t_need(!ioctl(idle, DMA_BUF_IOCTL_SYNC, &arg), "SYNC start");
	arg.flags |= DMA_BUF_SYNC_END;
	t_need(!ioctl(idle, DMA_BUF_IOCTL_SYNC, &arg), "SYNC end");
}

static void set_name(void)
{
	t_need(!ioctl(idle, DMA_BUF_SET_NAME_B, "a name"), "SET_NAME");
}

static void poll_idle(void)
{
	t_need(poll_now(idle, POLLIN | POLLOUT) == (POLLIN | POLLOUT), "poll");
}

static void poll_busy(void)
{
	t_need(!poll_now(busy, POLLIN | POLLOUT), "poll");
}

static void export_idle(void)
{
	done(export_fence(idle, DMA_BUF_SYNC_RW), "export");
}

static void export_busy(void)
{
	done(export_fence(busy, DMA_BUF_SYNC_RW), "export");
}

static void import_pending(void)
{
	t_need(!import_fence(target, pending, DMA_BUF_SYNC_RW), "import");
}

static int fence_of_next(void)
{
	return timeline_fence(timeline, ++next_value);
}

static void fence_life(void)
{
	int fence = fence_of_next();

	t_need(!import_fence(idle, fence, DMA_BUF_SYNC_RW), "import");
	t_need(!poll_now(idle, POLLIN | POLLOUT), "poll of what waits");
	timeline_inc(timeline, 1);
	t_need(poll_now(idle, POLLIN | POLLOUT), "poll of what is signalled");
	close(fence);
}

static void read_all(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, all = 0;

	while ((n = read(fd, text, sizeof(text))) > 0)
		all += n;
	t_need(all > 0, path);
	close(fd);
}

static void fdinfo(void)
{
	read_all(fdinfo_path);
}

static void bufinfo(void)
{
	read_all(BUFINFO);
}

static void sw_create(void)
{
	close(fence_of_next());
}

static void sw_signal(void)
{
	int fence = fence_of_next();

	timeline_inc(timeline, 1);
	close(fence);
}

static void poll_pending(void)
{
	t_need(!poll_now(pending, POLLIN), "poll");
}

static void merge_pending(void)
{
	done(merge_fences(pending, other, "merged"), "merge");
}

static void merge_signalled(void)
{
	done(merge_fences(pending, signalled, "merged"), "merge");
}

static void info(int fence, unsigned int fences)
{
	struct sync_fence_info each[2];
	struct sync_file_info arg;

	t_need(!fence_info(fence, &arg, each, fences), "FILE_INFO");
}

static void info_1(void)
{
	info(pending, 1);
}

static void info_2(void)
{
	info(both, 2);
}

static void set_deadline(void)
{
	struct sync_set_deadline arg = { .deadline_ns = 1000000 };

	t_need(!ioctl(pending, SYNC_IOC_SET_DEADLINE, &arg), "SET_DEADLINE");
}

static void udmabuf_create(void)
{
	struct udmabuf_create arg = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = 65536,
	};

	done(ioctl(udmabuf, UDMABUF_CREATE, &arg), "UDMABUF_CREATE");
}

static void prime_export_new(void)
{
	struct drm_mode_create_dumb dumb = {
		.width = 64, .height = 64, .bpp = 32,
	};
	struct drm_prime_handle arg = { .flags = DRM_CLOEXEC };

	t_need(!ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "dumb buffer");
	arg.handle = dumb.handle;
	t_need(!ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg), "export");
	gem_close(card, dumb.handle);
	close(arg.fd);
}

static void prime_import_heap(void)
{
	__u32 handle;

	t_need(!prime_import(card, idle, &handle), "import");
	gem_close(card, handle);
}

/* In the order in which they are run */
static const struct op {
	const char *name;
	void (*run)(void);
	const char *what;
} ops[] = {
	{ "heap-open", heap_open, "heap: open, close" },
	{ "heap-bad-ioctl", heap_bad_ioctl, "heap: an ioctl it does not know" },
	{ "alloc-4k", alloc_4k, "system heap: 4 KiB, close" },
	{ "alloc-64k", alloc_64k, "system heap: 64 KiB, close" },
	{ "alloc-1m", alloc_1m, "system heap: 1 MiB, close" },
	{ "alloc-4m", alloc_4m, "system heap: 4 MiB, close" },
	{ "alloc-cma-1m", alloc_cma, "CMA heap: 1 MiB, close" },
	{ "mmap", map_touch, "mmap 16 KiB, touch, munmap" },
	{ "sync", sync_pair, "SYNC start, SYNC end" },
	{ "set-name", set_name, "SET_NAME" },
	{ "poll-idle", poll_idle, "poll, no fence" },
	{ "poll-busy", poll_busy, "poll, a fence pending" },
	{ "export", export_idle, "EXPORT_SYNC_FILE, no fence; close" },
	{ "export-busy", export_busy, "EXPORT_SYNC_FILE, a fence pending; close" },
	{ "import", import_pending, "IMPORT_SYNC_FILE, a fence pending" },
	{ "fence-life", fence_life, "create, IMPORT, poll, signal, poll, close" },
	{ "fdinfo", fdinfo, "fdinfo: open, read, close" },
	{ "sw-create", sw_create, "sw_sync: create, close" },
	{ "sw-signal", sw_signal, "sw_sync: create, signal, close" },
	{ "poll-fence", poll_pending, "sync_file: poll, pending" },
	{ "merge", merge_pending, "sync_file: MERGE two pending, close" },
	{ "merge-signalled", merge_signalled, "sync_file: MERGE pending, signalled; close" },
	{ "info-1", info_1, "sync_file: FILE_INFO of 1" },
	{ "info-2", info_2, "sync_file: FILE_INFO of 2" },
	{ "set-deadline", set_deadline, "sync_file: SET_DEADLINE" },
	{ "udmabuf", udmabuf_create, "udmabuf: create of 64 KiB, close" },
	{ "prime-export", prime_export_new, "vgem: buffer made, exported, closed" },
	{ "prime-import", prime_import_heap, "vgem: import, close" },
	{ "bufinfo", bufinfo, "bufinfo of 900 buffers" },
};

#define OPS	(sizeof(ops) / sizeof(*ops))

static void prepare_buffers(void)
{
	heap = open_heap("system");
	cma = open_heap(CMA_HEAP);
	t_need(heap >= 0 && cma >= 0, "heaps");
	idle = alloc_fd(heap, IDLE_BYTES);
	busy = alloc_fd(heap, IDLE_BYTES);
	target = alloc_fd(heap, IDLE_BYTES);
	t_need(idle >= 0 && busy >= 0 && target >= 0, "buffers");
	snprintf(fdinfo_path, sizeof(fdinfo_path), "/proc/self/fdinfo/%d", idle);

	memfd = memfd_create("bench", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	t_need(memfd >= 0 && !ftruncate(memfd, 65536) &&
	       !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), "memfd");
	udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	t_need(udmabuf >= 0, "/dev/udmabuf");
	card = open_card("vgem");
	t_need(card >= 0, "vgem");
}

static void prepare_fences(void)
{
	int second = timeline_open(), third = timeline_open();

	timeline = timeline_open();
	t_need(timeline >= 0 && second >= 0 && third >= 0, SW_SYNC);
	pending = timeline_fence(second, 1000);
	other = timeline_fence(third, 1000);
	signalled = timeline_fence(third, 0);
	both = merge_fences(pending, other, "both");
	t_need(both >= 0, "merge");
	t_need(!import_fence(busy, other, DMA_BUF_SYNC_RW), "import");
	t_need(fence_count(both, NULL) == 2, "a merged fence");
}

static void repeat(const struct op *op, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++)
		op->run();
}

/* Runs until caches and lists are filled. How often that was. */
static unsigned int warm_up(const struct op *op)
{
	unsigned int rounds = 0;
	__u64 start;

	/* What the one before it left for RCU to free is freed by then. */
	nap_ms(6000);
	start = now_ns();
	while (now_ns() - start < WARM_NS) {
		op->run();
		rounds++;
	}
	return rounds;
}

static double measure(const struct op *op)
{
	unsigned int rounds = MEASURE_TIMES * warm_up(op);
	__u64 start = now_ns();

	repeat(op, rounds);
	return (double)(now_ns() - start) / rounds;
}

static void crowd(void)
{
	for (int i = 0; i < CROWD; i++)
		t_need(alloc_fd(heap, 4096) >= 0, "900 buffers");
}

static int profile(const char *name)
{
	const struct op *op = ops;
	unsigned int rounds;
	char line[16];

	while (op < ops + OPS && strcmp(op->name, name))
		op++;
	if (op == ops + OPS) {
		printf("There is no operation %s.\n", name);
		return 1;
	}
	if (op->run == bufinfo)
		crowd();
	rounds = 1 + warm_up(op) / TRACE_PART;
	printf("BENCH ready %u\n", rounds);
	fflush(stdout);
	t_need(fgets(line, sizeof(line), stdin), "a word from the host");
	repeat(op, rounds);
	printf("BENCH done\n");
	return 0;
}

int main(int argc, char *argv[])
{
	double cost[OPS];

	prepare_buffers();
	prepare_fences();
	if (argc == 2)
		return profile(argv[1]);
	for (size_t i = 0; i < OPS; i++) {
		if (ops[i].run == bufinfo)
			crowd();
		cost[i] = measure(&ops[i]);
	}
	/* Only now, for what is written goes on in the background. */
	for (size_t i = 0; i < OPS; i++)
		printf("BENCH %s %.1f %s\n", ops[i].name, cost[i], ops[i].what);
	return 0;
}
