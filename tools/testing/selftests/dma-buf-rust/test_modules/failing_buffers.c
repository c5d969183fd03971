// SPDX-License-Identifier: GPL-2.0
/* Buffers of failing.ko, and with the descriptor of one of user space's: maps, mmap and vmap */
#include <linux/anon_inodes.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/scatterlist.h>

#include "failing.h"

#define SIZE	(4 * PAGE_SIZE)

struct sg_table *give_no_table(struct dma_buf_attachment *attach,
			       enum dma_data_direction direction)
{
	return ERR_PTR(-ENOMEM);
}

void take_table(struct dma_buf_attachment *attach, struct sg_table *table,
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

struct dma_buf *failing_buffer(const struct dma_buf_ops *ops)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = ops;
	info.size = SIZE;
	info.flags = O_RDWR;
	info.priv = &failing_device;
	return dma_buf_export(&info);
}

static int call_export(void)
{
	struct dma_buf *buf = failing_buffer(&buf_ops);

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma_buf_put(buf);
	return 0;
}

/* The reference to the buffer goes. */
static int attached(struct dma_buf *buf, struct device *dev,
		    int (*use)(struct dma_buf_attachment *attach))
{
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

int with_attachment(struct device *dev, int (*use)(struct dma_buf_attachment *attach))
{
	return attached(failing_buffer(&buf_ops), dev, use);
}

int with_given_attachment(int (*use)(struct dma_buf_attachment *attach))
{
	return attached(dma_buf_get(failing_number), failing_device, use);
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
	struct dma_buf *buf = failing_buffer(&buf_ops);
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
static int map_it(struct dma_buf_attachment *attach)
{
	struct sg_table *table, *second;
	int ret;

	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (ret)
		return ret;
	/* once more: with exporters in Rust, a table of its own */
	second = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	ret = PTR_ERR_OR_ZERO(second);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, second, DMA_TO_DEVICE);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	if (ret)
		return ret;
	/* and when it is mapped no more: the table that is there */
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	return ret;
}

static int call_map(void)
{
	return with_given_attachment(map_it);
}

static void moved(struct dma_buf_attachment *attach)
{
}

static const struct dma_buf_attach_ops importer_ops = { .invalidate_mappings = moved };

/* Who is told of moves holds the lock where it maps. */
static int call_dynamic(void)
{
	struct dma_buf *buf = dma_buf_get(failing_number);
	struct dma_buf_attachment *attach;
	struct sg_table *table;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_dynamic_attach(buf, failing_device, &importer_ops, &failing_device);
	ret = PTR_ERR_OR_ZERO(attach);
	if (ret)
		goto put;
	dma_resv_lock(buf->resv, NULL);
	table = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (!ret)
		dma_buf_unmap_attachment(attach, table, DMA_BIDIRECTIONAL);
	dma_resv_unlock(buf->resv);
	dma_buf_detach(buf, attach);
put:
	dma_buf_put(buf);
	return ret;
}

/* As a driver does that has objects of its own: the file of it is mapped. */
static int map_other(struct file *file, struct vm_area_struct *vma)
{
	return dma_buf_mmap(file->private_data, vma, 0);
}

static const struct file_operations other_file = {
	.owner = THIS_MODULE,
	.mmap = map_other,
};

static int call_mmap(void)
{
	struct dma_buf *buf = dma_buf_get(failing_number);
	struct file *file;
	unsigned long at;
	size_t size;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	size = buf->size;
	file = anon_inode_getfile("failing", &other_file, buf, O_RDWR);
	ret = PTR_ERR_OR_ZERO(file);
	if (ret)
		goto put;
	/* far from everything else, so that it needs page tables of its own */
	at = vm_mmap(file, TASK_SIZE / 2 & PAGE_MASK, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED, 0);
	if (IS_ERR_VALUE(at)) {
		ret = at;
		goto close;
	}
	/* one fault may be here, and no second one */
	if (vm_munmap(at, size))
		ret = vm_munmap(at, size);
close:
	fput(file);
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
	{ "dma_buf_dynamic_attach", call_dynamic },
	{ "dma_buf_mmap", call_mmap },
	{ "dma_buf_vmap", call_vmap },
	{ }
};
