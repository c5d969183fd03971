// SPDX-License-Identifier: GPL-2.0
/* The sample module rust_drm_dumb: buffers on their way to other devices and back. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>

#include "common.h"
#include "drm_card.h"
#include "modules.h"

static bool says(int buf, const char *word)
{
	char text[4096];

	return bufinfo_of(buf, text, sizeof(text)) && strstr(text, word);
}

void test_export(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW };
	int card = card_open(), buf, again;
	size_t page = page_size();
	struct group g;
	__u32 handle;
	char *p, *q;

	group_begin(&g, "exporting");
	t_err(export(card, 12345), ENOENT, "no such handle");
	handle = new_dumb(card);
	p = map_dumb(card, handle);
	fill(p, SIZE, 3);
	t_err(handle_to_fd(card, handle, ~0U), EINVAL, "bad flags");
	buf = export(card, handle);
	t_err(buf, 0, "the handle");
	t_ok(lseek(buf, 0, SEEK_END) == SIZE, "its size");
	t_ok(says(buf, MODULE), "its name");
	again = export(card, handle);
	t_ok(again != buf && inode_of(again) == inode_of(buf),
	     "exported again it is the same dma-buf");
	close(again);

	q = map_at(buf, 0, SIZE);
	t_ok(q != MAP_FAILED && is_filled(q, SIZE, 3), "it has the same bytes");
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "begin an access");
	q[SIZE - 1] = 88;
	sync.flags |= DMA_BUF_SYNC_END;
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "end it");
	t_ok(p[SIZE - 1] == 88, "what is written is in the buffer");
	munmap(q, SIZE);
	q = map_at(buf, page, SIZE - page);
	t_ok(q != MAP_FAILED && !memcmp(q, p + page, SIZE - page),
	     "from the second page on");
	munmap(q, SIZE - page);
	t_err(try_map(buf, page, SIZE), EINVAL, "beyond the end");
	t_err(try_map(buf, SIZE, page), EINVAL, "behind the end");
	close(buf);

	/* DRM remembers the dma-buf, and with it how it was opened. */
	destroy(card, handle);
	munmap(p, SIZE);
	handle = new_dumb(card);
	buf = handle_to_fd(card, handle, DRM_CLOEXEC);
	t_err(try_map(buf, 0, page), EACCES, "writing to one for reading only");
	close(buf);
	destroy(card, handle);
	group_end(&g);
	close(card);
}

/* Whatever goes first, the memory stays until the last of them is gone. */
void test_order(void)
{
	int card = card_open(), other, buf, again;
	__u32 handle, twice;
	struct group g;
	char *p, *q;

	group_begin(&g, "the order of letting go");
	handle = new_dumb(card);
	p = map_dumb(card, handle);
	fill(p, SIZE, 4);
	munmap(p, SIZE);
	buf = export(card, handle);
	t_err(destroy(card, handle), 0, "the handle goes first");
	q = map_at(buf, 0, SIZE);
	t_ok(q != MAP_FAILED && is_filled(q, SIZE, 4), "the dma-buf stays");
	t_err(prime_import(card, buf, &handle), 0, "a handle of it again");
	t_ok(attached(buf) == 0, "which is not attached: it is the object");
	p = map_dumb(card, handle);
	t_ok(is_filled(p, SIZE, 4), "with its bytes");
	again = export(card, handle);
	t_ok(inode_of(again) == inode_of(buf), "and its dma-buf");
	close(again);
	close(buf);
	t_ok(is_filled(q, SIZE, 4), "the dma-buf's fd goes first");
	munmap(q, SIZE);
	munmap(p, SIZE);
	buf = export(card, handle);
	close(card);
	q = map_at(buf, 0, SIZE);
	t_ok(q != MAP_FAILED && is_filled(q, SIZE, 4), "the card goes first");
	close(buf);
	t_ok(is_filled(q, SIZE, 4), "only a mapping is left");
	munmap(q, SIZE);

	card = card_open();
	other = card_open();
	handle = new_dumb(card);
	buf = export(card, handle);
	t_ok(!prime_import(card, buf, &twice) && twice == handle,
	     "in the same file it is the same handle");
	t_ok(!prime_import(other, buf, &twice) && attached(buf) == 0,
	     "in another file it is the same object");
	p = map_dumb(card, handle);
	fill(p, SIZE, 5);
	q = map_dumb(other, twice);
	t_ok(is_filled(q, SIZE, 5), "with the same bytes");
	close(buf);
	t_err(destroy(card, handle), 0, "destroy one handle");
	close(card);
	t_ok(is_filled(q, SIZE, 5), "the other one stays");
	munmap(q, SIZE);
	munmap(p, SIZE);
	close(other);
	card = card_open();
	group_end(&g);
	close(card);
}

static int heap_buffer(const char *name, size_t len)
{
	int heap = open_heap(name), buf = alloc_fd(heap, len);

	close(heap);
	t_need(buf >= 0, name);
	return buf;
}

void test_import(void)
{
	int card = card_open(), buf, again, pipes[2], refused = 0, wrong = 0;
	__u32 handle, twice;
	struct group g;
	__u64 offset;
	char *p;

	group_begin(&g, "importing");
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");
	t_err(prime_import(card, -1, &handle), EBADF, "fd -1");
	t_err(prime_import(card, pipes[0], &handle), EINVAL, "a pipe");
	close(pipes[0]);
	close(pipes[1]);

	buf = heap_buffer("default_cma_region", SIZE);
	p = map_at(buf, 0, SIZE);
	fill(p, SIZE, 6);
	t_err(prime_import(card, buf, &handle), 0, "a buffer of the CMA heap");
	t_ok(attached(buf) == 1, "it is attached");
	t_ok(!prime_import(card, buf, &twice) && twice == handle &&
	     attached(buf) == 1, "once more: the same handle");
	t_err(map_offset(card, handle, &offset), EINVAL,
	      "it is not mapped through the card");
	again = export(card, handle);
	t_ok(inode_of(again) == inode_of(buf),
	     "exported it is the buffer that was imported");
	close(buf);
	close(again);
	t_ok(is_filled(p, SIZE, 6), "its bytes are as they were");
	buf = export(card, handle);
	munmap(p, SIZE);
	t_err(gem_close(card, handle), 0, "close the handle");
	t_ok(attached(buf) == 0, "it is detached");
	t_err(prime_import(card, buf, &handle), 0, "import it again");
	close(card);
	t_ok(attached(buf) == 0, "closing the card detaches it, too");
	close(buf);

	card = card_open();
	for (int i = 1; i <= 16; i++) {
		buf = heap_buffer("system", MEGABYTE + i * page_size());
		if (prime_import(card, buf, &handle)) {
			wrong += errno != EINVAL;
			refused++;
		} else {
			gem_close(card, handle);
		}
		wrong += attached(buf) != 0;
		close(buf);
	}
	t_note("%d of 16 are scattered", refused);
	t_ok(refused && !wrong, "scattered buffers are refused");

	buf = heap_buffer("system", page_size());
	t_err(prime_import(card, buf, &handle), 0, "a page is in one piece");
	close(buf);
	gem_close(card, handle);
	group_end(&g);
	close(card);
}

/* Another driver has our memory mapped for its device, and shows it. */
void test_exported_to(const char *driver)
{
	int card = card_open(), other = open_card(driver), buf;
	__u32 handle, imported;
	struct group g;
	char *p;

	if (other < 0) {
		t_skip("no %s", driver);
		close(card);
		return;
	}
	group_begin(&g, driver);
	handle = new_dumb(card);
	buf = export(card, handle);
	t_err(prime_import(other, buf, &imported), 0, "%s imports it", driver);
	t_ok(attached(buf) == 1, "it is attached");
	p = map_dumb(card, handle);
	fill(p, SIZE, 7);
	munmap(p, SIZE);
	close(buf);
	destroy(card, handle);
	buf = export(other, imported);
	p = map_at(buf, 0, SIZE);
	t_ok(p != MAP_FAILED && is_filled(p, SIZE, 7), "it has our bytes");
	munmap(p, SIZE);
	gem_close(other, imported);
	t_ok(attached(buf) == 0, "it is detached");
	close(buf);
	group_end(&g);
	close(other);
	close(card);
}

bool device_reads(int buf, struct rust_dma_buf_importer_submit *cpu,
		  struct rust_dma_buf_importer_result *device)
{
	int fd = open(RUST_DMA_BUF_IMPORTER_DEVICE, O_RDWR | O_CLOEXEC);
	bool ok;

	cpu->fd = buf;
	ok = !ioctl(fd, RUST_DMA_BUF_IMPORTER_SUBMIT, cpu) &&
	     !ioctl(fd, RUST_DMA_BUF_IMPORTER_RESULT, device);
	close(fd);
	return ok;
}

void test_device(void)
{
	struct rust_dma_buf_importer_submit cpu = { 0 };
	struct rust_dma_buf_importer_result device = { 0 };
	int card, buf;
	struct group g;
	__u32 handle, sum;
	bool ok = true;
	char *p;

	if (!t_load_module(NULL, IMPORTER))
		return;
	group_begin(&g, "a device reads it");
	card = card_open();
	handle = new_dumb(card);
	p = map_dumb(card, handle);
	fill(p, SIZE, 10);
	sum = fnv1a(p, SIZE);
	buf = export(card, handle);
	t_ok(device_reads(buf, &cpu, &device), "map, read, unmap");
	t_note("%#x, kernel %#x, device %#x in %u pieces", sum, cpu.cpu_sum,
	       device.device_sum, device.entries);
	t_ok(cpu.cpu_sum == sum, "the kernel's mapping has the bytes");
	t_ok(device.device_sum == sum && device.entries == 1,
	     "the device finds them, in one piece");
	for (int i = 0; i < LEAK_ROUNDS && ok; i++)
		ok = device_reads(buf, &cpu, &device);
	t_ok(ok && becomes_detached(buf), "many times");
	munmap(p, SIZE);
	close(buf);
	close(card);
	t_err(module_unload_soon(IMPORTER), 0, "unload " IMPORTER);
	group_end(&g);
}
