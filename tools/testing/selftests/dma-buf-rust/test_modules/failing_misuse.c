// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers should not do with buffers. Each word shows a bug of the C core: the machine
 * stops, or -EFAULT (the memory went while it was used) or -ESTALE (the device does not see
 * it). With ours it is harmless, and 0, or an error of the core's. What a release has left is
 * freed here. For the test program misuse.
 */
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "failing.h"

static char memory[64];
/* The memory of the buffer has been given back. */
static bool is_released;

static int map_memory(struct dma_buf *buf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, memory);
	return 0;
}

static void let_go(struct dma_buf *buf)
{
	is_released = true;
}

static const struct dma_buf_ops buf_ops = {
	.map_dma_buf = give_no_table,
	.unmap_dma_buf = take_table,
	.vmap = map_memory,
	.release = let_go,
};

static struct dma_buf *new_buffer(void)
{
	is_released = false;
	return failing_buffer(&buf_ops);
}

/* The last reference, here and now */
static void put_last(struct dma_buf *buf)
{
	__fput_sync(buf->file);
}

/* What a release has left: nobody uses it any more. */
static void free_left(struct dma_buf *buf)
{
	dma_resv_fini(buf->resv);
	module_put(buf->owner);
	kfree(buf);
}

static int call_vmap_left(void)
{
	struct dma_buf *buf = new_buffer();
	struct iosys_map map;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = dma_buf_vmap_unlocked(buf, &map);
	put_last(buf);
	if (ret)
		return ret;
	if (is_released)
		return -EFAULT;
	dma_buf_vunmap_unlocked(buf, &map);
	free_left(buf);
	return 0;
}

static int call_vunmap_alone(void)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(memory);
	struct dma_buf *buf = new_buffer();

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma_buf_vunmap_unlocked(buf, &map);
	put_last(buf);
	return is_released ? 0 : -EBUSY;
}

/* As if somebody had put the reference of a poll that waits */
static int call_callback_left(void)
{
	struct dma_buf *buf = new_buffer();

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	buf->cb_in.active = EPOLLIN;
	put_last(buf);
	if (is_released)
		return -EFAULT;
	free_left(buf);
	return 0;
}

static int call_attached_left(void)
{
	struct dma_buf *buf = new_buffer();
	struct dma_buf_attachment *attach;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, failing_device);
	put_last(buf);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (is_released)
		return -EFAULT;
	dma_buf_detach(buf, attach);
	free_left(buf);
	return 0;
}

/* The others are for a buffer of user space's, by its descriptor. */
static int map_in_none(struct dma_buf_attachment *attach)
{
	struct sg_table *table = dma_buf_map_attachment_unlocked(attach, DMA_NONE);
	int ret = PTR_ERR_OR_ZERO(table);

	if (!ret) {
		dma_buf_unmap_attachment_unlocked(attach, table, DMA_NONE);
		ret = -EFAULT;
	} else if (ret == -EINVAL) {
		/* refused, as it should be */
		ret = 0;
	}
	return ret;
}

static int call_dma_none(void)
{
	return with_given_attachment(map_in_none);
}

/* With a bounce buffer (swiotlb=force) each mapping has addresses of its own. */
static int map_again(struct dma_buf_attachment *attach)
{
	struct sg_table *first, *second;
	dma_addr_t addr;
	int ret;

	first = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(first);
	if (ret)
		return ret;
	addr = sg_dma_address(first->sgl);
	second = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(second);
	if (!ret) {
		ret = sg_dma_address(first->sgl) == addr ? 0 : -ESTALE;
		dma_buf_unmap_attachment_unlocked(attach, second, DMA_BIDIRECTIONAL);
	}
	dma_buf_unmap_attachment_unlocked(attach, first, DMA_BIDIRECTIONAL);
	return ret;
}

static int call_map_twice(void)
{
	/* importers get a copy of the table, in which the first address stays */
	if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
		return -ENODEV;
	return with_given_attachment(map_again);
}

/* With bounce buffers, io_tlb_used in debugfs tells whether they are given back. */
static int leave_mapped(struct dma_buf_attachment *attach)
{
	return PTR_ERR_OR_ZERO(dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL));
}

static int call_detach_mapped(void)
{
	/* the copy of the table, which nobody would free */
	if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
		return -ENODEV;
	return with_given_attachment(leave_mapped);
}

/* The first byte, as the CPU sees it, written or read */
static int cpu_access(struct dma_buf *buf, u8 *byte, bool is_write)
{
	struct iosys_map map;
	int ret = dma_buf_begin_cpu_access(buf, DMA_BIDIRECTIONAL);

	if (ret)
		return ret;
	ret = dma_buf_vmap_unlocked(buf, &map);
	if (!ret) {
		if (is_write)
			iosys_map_wr(&map, 0, u8, *byte);
		else
			*byte = iosys_map_rd(&map, 0, u8);
		dma_buf_vunmap_unlocked(buf, &map);
	}
	dma_buf_end_cpu_access(buf, DMA_BIDIRECTIONAL);
	return ret;
}

/* The device's view is its bounce buffer, in the kernel's own memory. */
static int look_both_ways(struct dma_buf_attachment *attach)
{
	struct sg_table *table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	u8 *seen, byte = 'c';
	int ret = PTR_ERR_OR_ZERO(table);

	if (ret)
		return ret;
	seen = phys_to_virt(dma_to_phys(attach->dev, sg_dma_address(table->sgl)));
	ret = cpu_access(attach->dmabuf, &byte, true);
	if (!ret && READ_ONCE(*seen) != 'c')
		ret = -ESTALE;
	WRITE_ONCE(*seen, 'd');
	if (!ret)
		ret = cpu_access(attach->dmabuf, &byte, false);
	if (!ret && byte != 'd')
		ret = -ESTALE;
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	return ret;
}

static int call_bounced(void)
{
	return with_given_attachment(look_both_ways);
}

const struct failing_call failing_misuse[] = {
	{ "vmap_left", call_vmap_left },
	{ "vunmap_alone", call_vunmap_alone },
	{ "callback_left", call_callback_left },
	{ "attached_left", call_attached_left },
	{ "dma_none", call_dma_none },
	{ "map_twice", call_map_twice },
	{ "detach_mapped", call_detach_mapped },
	{ "bounced", call_bounced },
	{ }
};
