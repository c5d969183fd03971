// SPDX-License-Identifier: GPL-2.0
/*
 * DMA_HEAP_IOCTL_ALLOC: its number, the size of its argument, its pointer.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include <linux/dma-heap.h>

#include "common.h"

#define ALLOC(size, dir)	_IOC(dir, DMA_HEAP_IOC_MAGIC, 0, size)
#define RW			(_IOC_READ | _IOC_WRITE)

static const struct dma_heap_allocation_data good = {
	.len = 4096,
	.fd_flags = O_RDWR | O_CLOEXEC,
};

static long raw(int heap, unsigned long cmd, void *arg)
{
	return ioctl(heap, cmd, arg);
}

/*
 * The argument may be smaller or larger than the kernel's struct. When it has
 * no room for the fd, the C core still succeeds and does not tell the fd: that
 * is nothing to rely on, so it is only checked that nothing worse happens.
 */
static void no_room_for_fd(int heap, unsigned long cmd, const char *text)
{
	struct dma_heap_allocation_data data = good;
	int before = count_fds(), objects = count_objects();
	int probe = dup(heap), n = 0;
	long ret;

	/* The next fd that will be given out. */
	close(probe);
	ret = raw(heap, cmd, &data);
	if (!ret) {
		n = count_fds() - before;
		t_ok(n == 1 && count_objects() == objects + 1 && !data.fd,
		     "%s: one new buffer, its fd is not told", text);
		close(probe);
	} else {
		t_err(ret, EINVAL, "%s is refused", text);
	}
}

static void test_sizes(const char *name)
{
	static const unsigned int told[] = {
		12, 16, 20, 24, 25, 32, 127, 128, 129, 256, 4096, 16383,
	};
	static unsigned char arg[16384];
	int heap;
	struct group g;
	bool same;

	group_begin(&g, "size of the argument");
	heap = open_heap(name);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		struct dma_heap_allocation_data data = { .len = 4096, .heap_flags = 0 };
		unsigned int size = told[i];

		memset(arg, 0xa5, sizeof(arg));
		memcpy(arg, &data, size < sizeof(data) ? size : sizeof(data));
		t_err(raw(heap, ALLOC(size, RW), arg), 0, "%s: size %u", name,
		      size);
		memcpy(&data, arg, 12);
		same = true;
		for (size_t at = size < 24 ? size : 24; at < sizeof(arg); at++)
			same &= arg[at] == 0xa5;
		t_ok(data.fd > 2 && inode_of(data.fd), "%s: size %u tells the fd",
		     name, size);
		t_ok(same, "%s: size %u writes nothing behind it", name, size);
		close(data.fd);
	}
	no_room_for_fd(heap, ALLOC(8, RW), "size 8");
	no_room_for_fd(heap, ALLOC(24, _IOC_WRITE), "write-only direction");
	t_err(raw(heap, ALLOC(0, RW), arg), EINVAL, "%s: size 0", name);
	memset(arg, 0xa5, sizeof(arg));
	t_err(raw(heap, ALLOC(24, _IOC_READ), arg), EINVAL,
	      "%s: read-only direction has no length", name);
	t_err(raw(heap, ALLOC(24, _IOC_NONE), arg), EINVAL,
	      "%s: no direction has no length", name);
	t_err(raw(heap, ALLOC(16383, RW), ptr_unmapped()), EFAULT,
	      "%s: largest size, unmapped", name);
	close(heap);
	group_end(&g);
}

static void test_numbers(const char *name)
{
	static const unsigned int nrs[] = { 1, 2, 3, 16, 127, 128, 254, 255 };
	int heap;
	struct group g;
	struct dma_heap_allocation_data data;
	long ret;

	group_begin(&g, "numbers of the ioctl");
	heap = open_heap(name);
	for (size_t i = 0; i < ARRAY_SIZE(nrs); i++) {
		data = good;
		t_err(raw(heap, _IOWR(DMA_HEAP_IOC_MAGIC, nrs[i], struct dma_heap_allocation_data),
			  &data), EINVAL, "%s: nr %u", name, nrs[i]);
	}
	t_err(raw(heap, 0x5401, &data), EINVAL, "%s: TCGETS", name);
	/* The C core does not look at the type; refusing it would be fine. */
	data = good;
	ret = raw(heap, _IOWR('?', 0, struct dma_heap_allocation_data), &data);
	if (!ret) {
		t_ok(data.fd > 2, "%s: another type, a usable buffer", name);
		close(data.fd);
	} else {
		t_ok(errno == ENOTTY || errno == EINVAL,
		     "%s: another type is refused", name);
	}
	close(heap);
	group_end(&g);
}

static void test_pointers(const char *name)
{
	struct dma_heap_allocation_data data = { .len = MEGABYTE, .fd_flags = O_RDWR | O_CLOEXEC };
	static const size_t inside[] = { 1, 8, 12, 16, 23 };
	int heap, failed = 0;
	char unaligned[sizeof(data) + 1];
	struct group g;
	void *p;

	group_begin(&g, "pointers");
	heap = open_heap(name);
	t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, NULL), EFAULT, "%s: NULL", name);
	t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, ptr_unmapped()), EFAULT,
	      "%s: unmapped", name);
	t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, (void *)-4096L), EFAULT,
	      "%s: kernel address", name);
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		p = ptr_straddle(&data, sizeof(data), inside[i]);
		t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, p), EFAULT,
		      "%s: only %zu bytes can be read", name, inside[i]);
		ptr_free(p);
	}
	p = ptr_straddle(&data, sizeof(data), sizeof(data));
	t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, p), 0, "%s: up to the page's end",
	      name);
	close(((struct dma_heap_allocation_data *)p)->fd);
	ptr_free(p);
	memcpy(unaligned + 1, &data, sizeof(data));
	t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, unaligned + 1), 0, "%s: odd address",
	      name);
	memcpy(&data, unaligned + 1, sizeof(data));
	close(data.fd);

	/* The buffer exists already when the answer cannot be written. */
	data = (struct dma_heap_allocation_data){ .len = MEGABYTE, .fd_flags = O_RDWR | O_CLOEXEC };
	p = ptr_readonly(&data, sizeof(data));
	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += raw(heap, DMA_HEAP_IOCTL_ALLOC, p) == -1 &&
			  errno == EFAULT;
	t_ok(failed == LEAK_ROUNDS, "%s: read-only, %d times: %s", name,
	     LEAK_ROUNDS, strerror(EFAULT));
	t_ok(!memcmp(p, &data, sizeof(data)), "%s: read-only is not written",
	     name);
	ptr_free(p);
	close(heap);
	group_end(&g);
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	n = list_heaps(heaps);
	t_ok(n > 0, "there are %d heaps", n);
	for (int i = 0; i < n; i++) {
		test_sizes(heaps[i]);
		test_numbers(heaps[i]);
		test_pointers(heaps[i]);
	}
	return t_end();
}
