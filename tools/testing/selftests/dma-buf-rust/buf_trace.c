// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of dma-buf: which call hits which, and what they print.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "common.h"
#include "udmabufs.h"

#define TRACING	"/sys/kernel/tracing/"
#define ENABLE	TRACING "events/dma_buf/enable"
#define WAIT	TRACING "events/dma_fence/dma_fence_wait_start/enable"

static char text[65536];

/* Empties the trace; what follows is what the next calls leave in it. */
static void start(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	t_need(fd >= 0, TRACING "trace");
	close(fd);
}

static void stop(void)
{
	t_need(read_file(TRACING "trace", text, sizeof(text)), "read the trace");
}

/* How often an event was hit for this buffer, with this at its line's end. */
static int hits(const char *event, size_t size, ino_t ino, const char *rest)
{
	char want[256];
	int n = 0;

	snprintf(want, sizeof(want), ": %s: exp_name=system size=%zu ino=%llu%s",
		 event, size, (unsigned long long)ino, rest);
	for (const char *at = strstr(text, want); at; at = strstr(at + 1, want)) {
		char after = at[strlen(want)];

		n += after == '\n' || after == ' ';
	}
	return n;
}

static void test_buffer(void)
{
	const size_t size = 3 * page_size();
	struct group g;
	char want[32];
	ino_t ino;
	void *p;
	int buf;

	group_begin(&g, "events of a buffer");
	start();
	buf = new_buffer(size);
	stop();
	ino = inode_of(buf);
	snprintf(want, sizeof(want), " fd=%d", buf);
	t_ok(hits("dma_buf_export", size, ino, "") == 1, "allocate: export");
	t_ok(hits("dma_buf_fd", size, ino, want) == 1, "allocate: fd");
	t_ok(hits("dma_buf_put", size, ino, "") == 0, "allocate: no put");

	start();
	p = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, buf, 0);
	munmap(p, page_size());
	p = mmap(NULL, 2 * size, PROT_READ, MAP_SHARED, buf, 0);
	stop();
	t_ok(p == MAP_FAILED && hits("dma_buf_mmap_internal", size, ino, "") == 1,
	     "mmap: only when the bounds are right");
	start();
	t_ok(count_objects() > 0, "bufinfo");
	stop();
	t_ok(!strstr(text, "dma_buf_"), "bufinfo: none");
	start();
	close(buf);
	stop();
	t_ok(!strstr(text, "dma_buf_"), "close: none");
	group_end(&g);
}

/* The request fails after the export: no fd, and the buffer is put. */
static void test_failure(void)
{
	struct dma_heap_allocation_data data = { .len = page_size() };
	int heap, ret;
	struct group g;
	void *p;

	group_begin(&g, "events of a failure");
	heap = open_heap("system");
	p = ptr_readonly(&data, sizeof(data));
	start();
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, p);
	stop();
	t_err(ret, EFAULT, "read-only argument");
	t_ok(strstr(text, ": dma_buf_export: exp_name=system "), "export");
	t_ok(!strstr(text, ": dma_buf_fd: "), "no fd");
	t_ok(strstr(text, ": dma_buf_put: exp_name=system "), "put");
	ptr_free(p);
	close(heap);
	group_end(&g);
}

static void test_import(int card)
{
	const size_t size = 5 * page_size();
	char want[32], *line;
	struct group g;
	ino_t ino;
	__u32 handle;
	int buf;

	group_begin(&g, "events of an importer");
	buf = new_buffer(size);
	ino = inode_of(buf);
	snprintf(want, sizeof(want), " fd=%d", buf);
	start();
	t_need(!prime_import(card, buf, &handle), "import");
	stop();
	t_ok(hits("dma_buf_get", size, ino, want) == 1, "import: get");
	t_ok(hits("dma_buf_dynamic_attach", size, ino, "") == 1,
	     "import: attach");
	line = strstr(text, "dma_buf_dynamic_attach: ");
	t_ok(line && strstr(line, " is_dynamic=0 dev_name=vgem\n"),
	     "import: the device is told");
	t_ok(hits("dma_buf_detach", size, ino, "") == 0, "import: no detach");

	start();
	t_need(!gem_close(card, handle), "close the handle");
	stop();
	t_ok(hits("dma_buf_detach", size, ino, "") == 1, "close: detach");
	line = strstr(text, "dma_buf_detach: ");
	t_ok(line && strstr(line, " dev_name=vgem\n"),
	     "close: the device is told");
	t_ok(hits("dma_buf_put", size, ino, "") > 0, "close: put");

	start();
	prime_import(card, -1, &handle);
	stop();
	t_ok(!strstr(text, ": dma_buf_"), "a bad fd: none");
	close(buf);
	group_end(&g);
}

#define KMALLOC	TRACING "events/kmem/kmalloc/"

/* The allocations of this task, with what the filter says more. */
static void watch_kmalloc(const char *more)
{
	char filter[64];

	snprintf(filter, sizeof(filter), "common_pid == %d%s", getpid(), more);
	t_need(write_file(KMALLOC "filter", filter), KMALLOC "filter");
	start();
	t_need(write_file(KMALLOC "enable", "1"), KMALLOC "enable");
}

static void unwatch_kmalloc(void)
{
	write_file(KMALLOC "enable", "0");
	stop();
	write_file(KMALLOC "filter", "0");
}

/* From how many places in the kernel there were allocations */
static int call_sites(void)
{
	const char *seen[64], *at = text;
	int n = 0;

	while ((at = strstr(at, "call_site=")) && n < (int)ARRAY_SIZE(seen)) {
		size_t len = strcspn(at, " ");
		int i = 0;

		while (i < n && strncmp(seen[i], at, len + 1))
			i++;
		seen[i] = at;
		n += i == n;
		at += len;
	}
	return n;
}

/*
 * What user space has sent is kept apart from the kernel's own objects, and these
 * from each other, by where they are allocated.
 */
static void test_kmalloc(void)
{
	struct udmabuf_create_item items[100];
	const __u32 count = ARRAY_SIZE(items);
	int device, fd, buf, line, other, a, b, merged;
	struct group g;

	if (access(KMALLOC "enable", F_OK)) {
		t_skip("no " KMALLOC);
		return;
	}
	group_begin(&g, "who allocates");
	device = udmabuf_open();
	if (device >= 0) {
		fd = new_memfd(1, F_SEAL_SHRINK);
		for (__u32 i = 0; i < count; i++)
			items[i] = pages_of(fd, 0, 1);
		watch_kmalloc(" && bytes_req == 2400");
		buf = udmabuf_of_list(items, count);
		unwatch_kmalloc();
		t_err(buf, 0, "a udmabuf of a list");
		t_ok(call_sites() == 1, "the list is copied once");
		/* memdup_user(), which has slab caches of its own */
		t_ok(strstr(text, "gfp_flags=GFP_USER"),
		     "to where user space's own is kept");
		close(buf);
		close(fd);
		close(device);
	}
	line = timeline_open();
	if (line >= 0) {
		a = timeline_fence(line, 1);
		other = timeline_open();
		b = timeline_fence(other, 1);
		watch_kmalloc("");
		merged = merge_fences(a, b, "merged");
		unwatch_kmalloc();
		t_err(merged, 0, "merge");
		t_ok(call_sites() >= 3, "array, its fences, and file: each elsewhere");
		t_note("%d places", call_sites());
		close(merged);
		close(a);
		close(b);
		close(other);
		close(line);
	}
	group_end(&g);
}

/* A line is "task-pid [cpu] flags time: event: ...". */
static char irqs_of(const char *event)
{
	const char *at = strstr(text, event);

	if (!at)
		return 0;
	while (at > text && at[-1] != '\n')
		at--;
	at = strstr(at, "] ");
	return at ? at[2] : 0;
}

/* Who listens must not hold up those who signal the fence. */
static void test_wait(void)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
	};
	int buf, line, fence;
	struct group g;
	char irqs;

	line = timeline_open();
	if (line < 0)
		return;
	group_begin(&g, "a wait");
	buf = new_buffer(page_size());
	fence = timeline_fence(line, 1);
	t_err(import_fence(buf, fence, DMA_BUF_SYNC_WRITE), 0, "import a fence");
	t_need(write_file(WAIT, "1"), WAIT);
	start();
	interrupt_every_ms(100);
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), EINTR, "wait for it");
	interrupt_every_ms(0);
	stop();
	write_file(WAIT, "0");
	irqs = irqs_of(": dma_fence_wait_start: ");
	t_ok(irqs && !strchr("dD", irqs), "told without the lock: '%c'", irqs);
	close(fence);
	close(buf);
	group_end(&g);
	close(line);
}

int main(void)
{
	int card;

	t_begin();
	if (access(ENABLE, F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(ENABLE, F_OK)) {
		t_skip("no " ENABLE ": the kernel needs CONFIG_EVENT_TRACING");
		return t_end();
	}
	t_need(write_file(ENABLE, "1"), ENABLE);
	test_buffer();
	test_failure();
	card = open_card("vgem");
	if (card >= 0) {
		test_import(card);
		close(card);
	} else {
		t_skip("no importer: load vgem");
	}
	write_file(ENABLE, "0");
	test_wait();
	test_kmalloc();
	return t_end();
}
