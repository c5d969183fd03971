// SPDX-License-Identifier: GPL-2.0
/*
 * An importer that does what drivers rarely do: attaches twice, maps an
 * attachment twice, unmaps in another order than it mapped, maps for the kernel
 * twice. The outcome is in the module's parameters, for buf_attach.
 */
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/kernel.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "checks.h"

static int fd = -1;
module_param(fd, int, 0444);
MODULE_PARM_DESC(fd, "The dma-buf to import, a descriptor of who loads this module");

static bool clears_map;
module_param(clears_map, bool, 0444);
MODULE_PARM_DESC(clears_map, "The exporter clears what it has unmapped");

static int hold_ms;
module_param(hold_ms, int, 0444);
MODULE_PARM_DESC(hold_ms, "Only hold the reservation object of the mapped buffer, so long");

static bool holds;
module_param(holds, bool, 0444);
MODULE_PARM_DESC(holds, "Whether it is held now");

static int events;
module_param(events, int, 0444);
MODULE_PARM_DESC(events, "How many trace events were seen, -1 if there are none to be had");

static int unlocked;
module_param(unlocked, int, 0444);
MODULE_PARM_DESC(unlocked, "How many of them did not have the name locked");

static int entries;
module_param(entries, int, 0444);
MODULE_PARM_DESC(entries, "How many pieces of memory a mapping had");

static bool bounced;
module_param(bounced, bool, 0444);
MODULE_PARM_DESC(bounced, "Each mapping has bounce buffers of its own");

static bool written_behind;
module_param(written_behind, bool, 0444);
MODULE_PARM_DESC(written_behind, "What the CPU writes to a mapped buffer must stay");

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

	if (bounced)
		return true;
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
	check(!clears_map || iosys_map_is_null(&second));
}

/* Without announcing it, as a process does whose memory it is. */
static void write_while_mapped(struct dma_buf *buf,
			       struct dma_buf_attachment *attach)
{
	enum dma_data_direction dir;
	struct sg_table *table;
	struct iosys_map cpu;
	const char *p;

	if (dma_buf_vmap_unlocked(buf, &cpu)) {
		check(false);
		return;
	}
	p = cpu.vaddr;
	for (dir = DMA_BIDIRECTIONAL; dir <= DMA_FROM_DEVICE; dir++) {
		iosys_map_memset(&cpu, 0, 'a', buf->size);
		table = dma_buf_map_attachment_unlocked(attach, dir);
		check(!IS_ERR(table));
		if (IS_ERR(table))
			break;
		iosys_map_memset(&cpu, 0, 'b', buf->size);
		dma_buf_unmap_attachment_unlocked(attach, table, dir);
		check(p[0] == 'b' && p[buf->size - 1] == 'b');
	}
	dma_buf_vunmap_unlocked(buf, &cpu);
}

/* As a driver that waits for its hardware. */
static void hold(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct sg_table *table = map(attach, DMA_BIDIRECTIONAL);

	dma_resv_lock(buf->resv, NULL);
	WRITE_ONCE(holds, true);
	msleep(hold_ms);
	dma_resv_unlock(buf->resv);
	unmap(attach, table, DMA_BIDIRECTIONAL);
}

#if defined(CONFIG_TRACEPOINTS) && defined(CONFIG_SMP)
/* Programs that are attached to the events may read the name. */
static void look_at_name(struct dma_buf *buf)
{
	events++;
	if (spin_trylock(&buf->name_lock)) {
		spin_unlock(&buf->name_lock);
		unlocked++;
	}
}

static void on_buffer(void *data, struct dma_buf *buf)
{
	look_at_name(buf);
}

static void on_fd(void *data, struct dma_buf *buf, int number)
{
	look_at_name(buf);
}

static void on_device(void *data, struct dma_buf *buf,
		      struct dma_buf_attachment *attach, bool is_dynamic,
		      struct device *dev)
{
	look_at_name(buf);
}

static struct {
	const char *name;
	void *probe;
	struct tracepoint *found;
} probes[] = {
	{ "dma_buf_export", on_buffer },
	{ "dma_buf_put", on_buffer },
	{ "dma_buf_fd", on_fd },
	{ "dma_buf_get", on_fd },
	{ "dma_buf_dynamic_attach", on_device },
	{ "dma_buf_detach", on_device },
};

static void find_tracepoint(struct tracepoint *tp, void *unused)
{
	for (int i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!strcmp(tp->name, probes[i].name) &&
		    !tracepoint_probe_register(tp, probes[i].probe, NULL))
			probes[i].found = tp;
	}
}

/* Those of a module are not looked for. */
static void watch(void)
{
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (!probes[0].found)
		events = -1;
}

static void unwatch(void)
{
	for (int i = 0; i < ARRAY_SIZE(probes); i++) {
		if (probes[i].found)
			tracepoint_probe_unregister(probes[i].found,
						    probes[i].probe, NULL);
	}
	tracepoint_synchronize_unregister();
}
#else
static void watch(void)
{
	events = -1;
}

static void unwatch(void)
{
}
#endif

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

	if (hold_ms) {
		hold(buf, a);
	} else {
		if (written_behind)
			write_while_mapped(buf, a);
		map_several(a, b);
		map_for_kernel(buf);
	}
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

	watch();
	buf = dma_buf_get(fd);
	if (IS_ERR(buf)) {
		unwatch();
		return PTR_ERR(buf);
	}

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
	unwatch();
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
