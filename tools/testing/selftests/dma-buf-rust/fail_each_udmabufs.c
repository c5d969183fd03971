// SPDX-License-Identifier: GPL-2.0
/*
 * What fail_each lets fail: the ioctls of udmabuf, and file operations of its buffers.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>
#include <linux/falloc.h>

#include "fail_each.h"

/* And the file has no pages any more, so that pinning them allocates some. */
static void undo_udmabuf(void)
{
	undo();
	t_need(!fallocate(things.fresh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  0, PAGES * page_size()), "fallocate");
}

static int open_udmabuf(void)
{
	return keep(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
}

static int new_udmabuf(void)
{
	return keep(udmabuf_of_pages(things.fresh, 0, PAGES));
}

static int new_udmabuf_of_list(void)
{
	struct udmabuf_create_item items[6];

	/* each in parts, and the table of parts grows */
	for (int i = 0; i < 6; i++)
		items[i] = pages_of(things.fresh, 2 * i, 2);
	return keep(udmabuf_of_list(items, 6));
}

static int use_udmabuf(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	if (new_udmabuf() < 0)
		return -1;
	if (ioctl(things.fd, DMA_BUF_IOCTL_SYNC, &sync))
		return -1;
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	if (ioctl(things.fd, DMA_BUF_IOCTL_SYNC, &sync))
		return -1;
	if (map_far_away(things.fd))
		return -1;
	return has_card() ? prime_import(things.card, things.fd, &things.handle) : 0;
}

/* Each in a part of its own: the table of parts grows, and pages are found one by one. */
static int map_huge(void)
{
	struct udmabuf_create_item items[PAGES / 4];

	for (int i = 0; i < PAGES / 4; i++)
		items[i] = pages_of(things.huge, 8 * i + 1, 4);
	if (keep(udmabuf_of_list(items, ARRAY_SIZE(items))) < 0)
		return -1;
	return map_far_away(things.fd);
}

/* There is room for the folios of so many pages, but not for more, which are not there yet. */
static int new_large_udmabuf(void)
{
	struct udmabuf_create_item items[MUCH_TIMES + 1];

	for (int i = 0; i < MUCH_TIMES; i++)
		items[i] = pages_of(things.much, 0, MUCH_PAGES);
	items[MUCH_TIMES] = pages_of(things.fresh, 0, PAGES);
	return keep(udmabuf_of_list(items, ARRAY_SIZE(items)));
}

#define OP_UDMABUF(text, fn) \
	{ .name = text, .ready = has_udmabuf, .act = fn, .undo = undo_udmabuf }

const struct operation udmabuf_operations[] = {
	OP("open udmabuf", has_udmabuf, open_udmabuf),
	OP_UDMABUF("UDMABUF_CREATE", new_udmabuf),
	OP_UDMABUF("UDMABUF_CREATE_LIST", new_udmabuf_of_list),
	OP_UDMABUF("a udmabuf in use", use_udmabuf),
	OP("a udmabuf of parts of a huge page", has_huge, map_huge),
	OP_UDMABUF("UDMABUF_CREATE_LIST, more than 256 MiB", new_large_udmabuf),
};

const size_t n_udmabuf_operations = ARRAY_SIZE(udmabuf_operations);
