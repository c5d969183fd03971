// SPDX-License-Identifier: GPL-2.0
/* Buffers of failing.ko, and with the descriptor of one of user space's: maps and vmap */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "failing.h"

#define SIZE	(4 * PAGE_SIZE)

static struct sg_table *give_no_table(struct dma_buf_attachment *attach,
				      enum dma_data_direction direction)
{
	return ERR_PTR(-ENOMEM);
}

static void take_table(struct dma_buf_attachment *attach, struct sg_table *table,
		       enum dma_data_direction direction)
{
}

static void let_go(struct dma_buf *buf)
{
}

static const struct dma_buf_ops buf_ops = {
	.map_dma_buf = give_no_table,
	.unmap_dma_buf = take_table,
	.release = let_go,
};

struct dma_buf *failing_buffer(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &buf_ops;
	info.size = SIZE;
	info.flags = O_RDWR;
	info.priv = &failing_device;
	return dma_buf_export(&info);
}

static int call_export(void)
{
	struct dma_buf *buf = failing_buffer();

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma_buf_put(buf);
	return 0;
}

int with_attachment(struct device *dev, int (*use)(struct dma_buf_attachment *attach))
{
	struct dma_buf *buf = failing_buffer();
	struct dma_buf_attachment *attach;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, dev);
	ret = PTR_ERR_OR_ZERO(attach);
	if (!ret) {
		ret = use(attach);
		dma_buf_detach(buf, attach);
	}
	dma_buf_put(buf);
	return ret;
}

static int leave_it(struct dma_buf_attachment *attach)
{
	return 0;
}

static int call_attach(void)
{
	return with_attachment(failing_device, leave_it);
}

static int call_fd(void)
{
	struct dma_buf *buf = failing_buffer();
	int fd;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	fd = dma_buf_fd(buf, O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(buf);
		return fd;
	}
	close_fd(fd);
	return 0;
}

/* With the descriptor of a buffer of user space's */
static int call_map(void)
{
	struct dma_buf *buf = dma_buf_get(failing_number);
	struct dma_buf_attachment *attach;
	struct sg_table *table, *second;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, failing_device);
	ret = PTR_ERR_OR_ZERO(attach);
	if (ret)
		goto put;
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (ret)
		goto detach;
	/* once more: with exporters in Rust, a table of its own */
	second = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	ret = PTR_ERR_OR_ZERO(second);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, second, DMA_TO_DEVICE);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	if (ret)
		goto detach;
	/* and when it is mapped no more: the table that is there */
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
detach:
	dma_buf_detach(buf, attach);
put:
	dma_buf_put(buf);
	return ret;
}

static int call_vmap(void)
{
	struct dma_buf *buf = dma_buf_get(failing_number);
	struct iosys_map map;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = dma_buf_vmap_unlocked(buf, &map);
	if (!ret)
		dma_buf_vunmap_unlocked(buf, &map);
	dma_buf_put(buf);
	return ret;
}

const struct failing_call failing_buffers[] = {
	{ "dma_buf_export", call_export },
	{ "dma_buf_attach", call_attach },
	{ "dma_buf_fd", call_fd },
	{ "dma_buf_map_attachment", call_map },
	{ "dma_buf_vmap", call_vmap },
	{ }
};
