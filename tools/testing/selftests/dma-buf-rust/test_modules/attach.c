// SPDX-License-Identifier: GPL-2.0
/*
 * An importer that does what drivers rarely do: attaches twice, maps an
 * attachment twice, unmaps in another order than it mapped, maps for the kernel
 * twice. The outcome is in the module's parameters, for buf_attach.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>

static int fd = -1;
module_param(fd, int, 0444);
MODULE_PARM_DESC(fd, "The dma-buf to import, a descriptor of who loads this module");

static int failed_line;
module_param(failed_line, int, 0444);
MODULE_PARM_DESC(failed_line, "The line of the first check that failed, or 0");

static int entries;
module_param(entries, int, 0444);
MODULE_PARM_DESC(entries, "How many pieces of memory a mapping had");

#define check(cond) do {						\
	if (!(cond) && !failed_line)					\
		failed_line = __LINE__;					\
} while (0)

static u64 total_len(struct sg_table *table)
{
	struct scatterlist *sg;
	u64 len = 0;
	int i;

	for_each_sgtable_dma_sg(table, sg, i)
		len += sg_dma_len(sg);
	return len;
}

static bool same_addresses(struct sg_table *a, struct sg_table *b)
{
	struct scatterlist *sg, *other = b->sgl;
	int i;

	if (a->nents != b->nents)
		return false;
	for_each_sgtable_dma_sg(a, sg, i) {
		if (sg_dma_address(sg) != sg_dma_address(other) ||
		    sg_dma_len(sg) != sg_dma_len(other))
			return false;
		other = sg_next(other);
	}
	return true;
}

static void cpu_access(struct dma_buf *buf)
{
	check(!dma_buf_begin_cpu_access(buf, DMA_BIDIRECTIONAL));
	check(!dma_buf_end_cpu_access(buf, DMA_BIDIRECTIONAL));
}

static struct sg_table *map(struct dma_buf_attachment *attach,
			    enum dma_data_direction dir)
{
	struct sg_table *table = dma_buf_map_attachment_unlocked(attach, dir);

	check(!IS_ERR(table));
	if (IS_ERR(table))
		return NULL;
	check(total_len(table) == attach->dmabuf->size);
	cpu_access(attach->dmabuf);
	return table;
}

static void unmap(struct dma_buf_attachment *attach, struct sg_table *table,
		  enum dma_data_direction dir)
{
	if (table)
		dma_buf_unmap_attachment_unlocked(attach, table, dir);
	cpu_access(attach->dmabuf);
}

static void map_several(struct dma_buf_attachment *a,
			struct dma_buf_attachment *b)
{
	struct sg_table *first, *second, *other, *third;

	first = map(a, DMA_BIDIRECTIONAL);
	entries = first ? first->orig_nents : 0;
	second = map(a, DMA_TO_DEVICE);
	other = map(b, DMA_FROM_DEVICE);
	check(first && second && same_addresses(first, second));
	check(first && other && same_addresses(first, other));

	unmap(a, first, DMA_BIDIRECTIONAL);
	third = map(a, DMA_FROM_DEVICE);
	check(second && third && same_addresses(second, third));
	unmap(a, second, DMA_TO_DEVICE);
	unmap(b, other, DMA_FROM_DEVICE);
	unmap(a, third, DMA_FROM_DEVICE);
}

static void map_for_kernel(struct dma_buf *buf)
{
	struct iosys_map first, second;

	if (dma_buf_vmap_unlocked(buf, &first)) {
		check(false);
		return;
	}
	iosys_map_memset(&first, 0, 'k', buf->size);
	cpu_access(buf);
	check(!dma_buf_vmap_unlocked(buf, &second));
	check(iosys_map_is_equal(&first, &second));
	dma_buf_vunmap_unlocked(buf, &first);
	check(((char *)second.vaddr)[buf->size - 1] == 'k');
	dma_buf_vunmap_unlocked(buf, &second);
}

static int import(struct dma_buf *buf, struct device *dev)
{
	struct dma_buf_attachment *a, *b;

	a = dma_buf_attach(buf, dev);
	if (IS_ERR(a))
		return PTR_ERR(a);
	b = dma_buf_attach(buf, dev);
	if (IS_ERR(b)) {
		dma_buf_detach(buf, a);
		return PTR_ERR(b);
	}

	map_several(a, b);
	map_for_kernel(buf);
	/* The one that came first goes first. */
	dma_buf_detach(buf, a);
	cpu_access(buf);
	dma_buf_detach(buf, b);
	return 0;
}

static int __init attach_init(void)
{
	struct platform_device *pdev;
	struct dma_buf *buf;
	int ret;

	buf = dma_buf_get(fd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);

	pdev = platform_device_register_simple("attach", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev)) {
		ret = PTR_ERR(pdev);
		goto put;
	}
	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (!ret)
		ret = import(buf, &pdev->dev);
	platform_device_unregister(pdev);
put:
	dma_buf_put(buf);
	return ret;
}
module_init(attach_init);

static void __exit attach_exit(void)
{
}
module_exit(attach_exit);

MODULE_DESCRIPTION("Imports a dma-buf in every order");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
