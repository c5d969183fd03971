// SPDX-License-Identifier: GPL-2.0
/*
 * udmabufs at work: CPU access announced by ioctl, also by many at once, and
 * importers that map them for their device (vgem) or for the kernel (vivid).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "camera.h"
#include "udmabufs.h"

#define PAGES		16
/* so that a table of them is still one of the slab allocator's objects */
#define SCATTERED	100
#define RACES		500

static int sync_buf(int buf, __u64 flags)
{
	const struct dma_buf_sync arg = { .flags = flags };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &arg);
}

static void test_sync(void)
{
	static const struct {
		const char *name;
		__u64 flags;
	} ways[] = {
		{ "read", DMA_BUF_SYNC_READ },
		{ "write", DMA_BUF_SYNC_WRITE },
		{ "both", DMA_BUF_SYNC_RW },
	};
	struct group g;
	int fd, buf;

	group_begin(&g, "CPU access");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const __u64 end = ways[i].flags | DMA_BUF_SYNC_END;

		buf = udmabuf_of_pages(fd, 0, PAGES);
		t_err(sync_buf(buf, end), EINVAL, "%s: an end before any start",
		      ways[i].name);
		t_err(sync_buf(buf, ways[i].flags), 0, "%s: start", ways[i].name);
		t_err(sync_buf(buf, ways[i].flags), 0, "%s: start again",
		      ways[i].name);
		t_err(sync_buf(buf, end), 0, "%s: end", ways[i].name);
		t_err(sync_buf(buf, end), 0, "%s: end again", ways[i].name);
		close(buf);
	}
	/* an access begun one way may end another way */
	buf = udmabuf_of_pages(fd, 0, PAGES);
	t_err(sync_buf(buf, DMA_BUF_SYNC_READ), 0, "start reading");
	t_err(sync_buf(buf, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END), 0,
	      "end writing");
	close(buf);
	close(fd);
	group_end(&g);
}

/* The race that has begun, the one that is over for the other thread, the buffer */
static atomic_int begun, over;
static int raced;

static bool access_once(void)
{
	return !sync_buf(raced, DMA_BUF_SYNC_RW) &&
	       !sync_buf(raced, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END);
}

static void *racer(void *failed)
{
	for (int i = 1; i <= RACES; i++) {
		while (atomic_load(&begun) != i)
			;
		if (!access_once())
			*(bool *)failed = true;
		atomic_store(&over, i);
	}
	return NULL;
}

/* A buffer without two pages that could be neighbours */
static int scattered(int memfd)
{
	struct udmabuf_create_item items[SCATTERED];

	for (int i = 0; i < SCATTERED; i++)
		items[i] = pages_of(memfd, i % 2 ? i : SCATTERED - 2 - i, 1);
	return udmabuf_of_list(items, SCATTERED);
}

/*
 * The first access of all, by two threads: the C core maps the buffer once for
 * each of them, and forgets one of the mappings.
 */
static void test_race(void)
{
	bool failed = false, failed_too = false;
	pthread_t thread;
	struct group g;
	int fd, log;
	long before, grown;

	group_begin(&g, "the first access, by two");
	log = log_open();
	fd = new_memfd(SCATTERED, F_SEAL_SHRINK);
	before = slab_kb();
	t_need(!pthread_create(&thread, NULL, racer, &failed), "pthread_create");
	for (int i = 1; i <= RACES; i++) {
		raced = scattered(fd);
		atomic_store(&begun, i);
		failed_too |= !access_once();
		while (atomic_load(&over) != i)
			;
		close(raced);
	}
	pthread_join(thread, NULL);
	/* some of it comes back by RCU, and is counted a little later */
	for (int ms = 0; ms < PATIENCE_MS; ms += 100) {
		grown = slab_kb() - before;
		if (grown < RACES / 4)
			break;
		nap_ms(100);
	}
	t_ok(!failed && !failed_too, "both may access it");
	t_ok(log_is_clean(log), "the kernel has nothing to say about it");
	/* a mapping of so many pages takes 4 KiB */
	if (grown >= RACES / 4)
		t_note("slabs have grown by %ld KiB", grown);
	t_ok(grown < RACES / 4, "nothing is forgotten");
	close(fd);
	close(log);
	group_end(&g);
}

static void test_device(void)
{
	struct udmabuf_create_item items[2];
	int fd, buf, card;
	__u32 handle;
	struct group g;
	char *p;

	group_begin(&g, "a device");
	card = open_card("vgem");
	if (card < 0) {
		t_skip("no importer vgem: load its module");
		group_end(&g);
		return;
	}
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	items[0] = pages_of(fd, 0, PAGES);
	items[1] = pages_of(fd, 3, 1);
	buf = udmabuf_of_list(items, 2);
	close(fd);
	p = map_pages(buf, PAGES + 1);
	t_err(prime_import(card, buf, &handle), 0, "imports it");
	t_err(sync_buf(buf, DMA_BUF_SYNC_RW), 0, "start an access");
	memset(p, 7, PAGES * page_size());
	t_err(sync_buf(buf, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END), 0, "end it");
	close(buf);
	t_ok(p[PAGES * page_size()] == 7, "the importer and the mapping keep it");
	t_err(gem_close(card, handle), 0, "lets go of it");
	unmap_pages(p, PAGES + 1);
	close(card);
	group_end(&g);
}

/* vivid writes into the buffer through an address in the kernel. */
static void test_camera(void)
{
	int fd, bufs[2], camera, index = -1;
	size_t frame = 0, pages;
	struct group g;
	bool drawn = false;
	char *p;

	group_begin(&g, "a camera");
	camera = open_camera(&frame);
	if (camera < 0) {
		t_skip("no camera: load vivid");
		group_end(&g);
		return;
	}
	pages = (frame + page_size() - 1) / page_size();
	fd = new_memfd(2 * pages, F_SEAL_SHRINK);
	p = map_pages(fd, 2 * pages);
	t_need(!request_buffers(camera, 2), "VIDIOC_REQBUFS");
	for (int i = 0; i < 2; i++) {
		bufs[i] = udmabuf_of_pages(fd, i * pages, pages);
		t_err(queue_buffer(camera, i, bufs[i], 0), 0, "queue buffer %d", i);
	}
	t_err(stream(camera, true), 0, "start");
	index = dequeue_buffer(camera);
	t_ok(index >= 0, "a frame comes");
	for (size_t i = 0; index >= 0 && i < frame; i++)
		drawn |= p[index * pages * page_size() + i] != 0;
	t_ok(drawn, "and is seen in the file");
	if (index >= 0) {
		t_err(sync_buf(bufs[index], DMA_BUF_SYNC_READ), 0,
		      "an access while it is mapped for the kernel");
		t_err(sync_buf(bufs[index], DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END),
		      0, "and its end");
	}
	for (int i = 0; i < 2; i++)
		close(bufs[i]);
	t_err(stream(camera, false), 0, "stop");
	t_err(request_buffers(camera, 0), 0, "let go");
	unmap_pages(p, 2 * pages);
	close(fd);
	close(camera);
	group_end(&g);
}

/* On 32 bits the sum of what bufinfo lists does not fit its counter. */
static void test_much(void)
{
	enum { ITEMS = 1024, PART = 512, BUFS = 2 };
	static struct udmabuf_create_item items[ITEMS];
	int fd, bufs[BUFS], good = 0, listed = 0;
	struct group g;
	char text[4096];

	if (has_64_bits())
		return;
	group_begin(&g, "4 GiB of buffers");
	fd = new_memfd(PART, F_SEAL_SHRINK);
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = pages_of(fd, 0, PART);
	for (int i = 0; i < BUFS; i++) {
		bufs[i] = udmabuf_of_list(items, ITEMS);
		good += bufs[i] >= 0;
	}
	t_ok(good == BUFS, "%d buffers of 2 GiB", good);
	for (int i = 0; i < BUFS; i++)
		listed += bufinfo_of(bufs[i], text, sizeof(text));
	t_ok(listed == good && count_objects() >= good, "bufinfo lists them");
	for (int i = 0; i < BUFS; i++)
		close(bufs[i]);
	close(fd);
	group_end(&g);
}

int main(void)
{
	int device;

	t_begin();
	device = udmabuf_open();
	if (device < 0)
		return t_end();
	test_sync();
	test_race();
	test_device();
	test_camera();
	test_much();
	close(device);
	return t_end();
}
