// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: those of an exporter that does next to nothing, so that what is left
 * is the core, and those of heap and udmabuf.
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/iosys-map.h>
#include <linux/module.h>
#include <linux/scatterlist.h>

#include "bench_calls.h"

#define MAX_ATTACHMENTS	1000

static char memory[64];
static struct scatterlist entry;
static struct sg_table table = {
	.sgl = &entry,
	.nents = 1,
	.orig_nents = 1,
};

static struct sg_table *map_table(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	return &table;
}

static void unmap_table(struct dma_buf_attachment *attach,
			struct sg_table *sgt, enum dma_data_direction dir)
{
}

static int vmap_memory(struct dma_buf *buf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, memory);
	return 0;
}

static void release(struct dma_buf *buf)
{
}

static const struct dma_buf_ops bare_ops = {
	.map_dma_buf = map_table,
	.unmap_dma_buf = unmap_table,
	.vmap = vmap_memory,
	.release = release,
};

static struct dma_buf *export_bare(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;

	info.ops = &bare_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = memory;
	buf = dma_buf_export(&info);
	need(!IS_ERR(buf));
	return buf;
}

/* The buffer in use, and who is attached to it */
static struct dma_buf *used;
static unsigned int attachments;
static struct dma_buf_attachment *attached[MAX_ATTACHMENTS];
static struct sg_table *tables[MAX_ATTACHMENTS];
static unsigned int entries;

static void use_bare(unsigned int n)
{
	sg_init_table(&entry, 1);
	sg_set_buf(&entry, memory, sizeof(memory));
	used = export_bare();
}

static void drop_bare(void)
{
	dma_buf_put(used);
}

static void use_heap(unsigned int n)
{
	used = bench_buffers[BENCH_HEAP];
}

static void attach_many(unsigned int n)
{
	attachments = min(n, MAX_ATTACHMENTS);
	for (unsigned int i = 0; i < attachments; i++) {
		attached[i] = dma_buf_attach(used, bench_device);
		need(!IS_ERR(attached[i]));
	}
}

static void detach_many(void)
{
	for (unsigned int i = 0; i < attachments; i++)
		dma_buf_detach(used, attached[i]);
	attachments = 0;
}

static void use_bare_attached(unsigned int n)
{
	use_bare(n);
	attach_many(n);
}

static void drop_bare_attached(void)
{
	detach_many();
	drop_bare();
}

/* All attachments are mapped: an exporter synchronises those. */
static void use_heap_mapped(unsigned int n)
{
	use_heap(n);
	attach_many(n);
	for (unsigned int i = 0; i < attachments; i++) {
		tables[i] = dma_buf_map_attachment_unlocked(attached[i], DMA_BIDIRECTIONAL);
		need(!IS_ERR(tables[i]));
	}
}

static void drop_heap_mapped(void)
{
	for (unsigned int i = 0; i < attachments; i++)
		dma_buf_unmap_attachment_unlocked(attached[i], tables[i], DMA_BIDIRECTIONAL);
	detach_many();
}

static void use_entries(unsigned int n)
{
	entries = n;
	if (n == 1)
		used = bench_buffers[BENCH_HEAP];
	else
		used = bench_buffers[n == 64 ? BENCH_SCATTERED : BENCH_SCATTERED_MORE];
	attach_many(1);
}

static void export_put(void)
{
	dma_buf_put(export_bare());
}

static void get_put(void)
{
	struct dma_buf *buf = dma_buf_get(bench_buffer_fd);

	need(buf == bench_buffers[BENCH_HEAP]);
	dma_buf_put(buf);
}

static void attach_detach(void)
{
	struct dma_buf_attachment *attach = dma_buf_attach(used, bench_device);

	need(!IS_ERR(attach));
	dma_buf_detach(used, attach);
}

static void map_unmap(void)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(attached[0], DMA_BIDIRECTIONAL);

	need(!IS_ERR(sgt) && sgt->nents == entries);
	dma_buf_unmap_attachment_unlocked(attached[0], sgt, DMA_BIDIRECTIONAL);
}

static void map_unmap_locked(void)
{
	struct sg_table *sgt;

	dma_resv_lock(used->resv, NULL);
	sgt = dma_buf_map_attachment(attached[0], DMA_BIDIRECTIONAL);
	need(!IS_ERR(sgt));
	dma_buf_unmap_attachment(attached[0], sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(used->resv);
}

static void map_unmap_bare(void)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(attached[0], DMA_BIDIRECTIONAL);

	need(sgt && !IS_ERR(sgt));
	dma_buf_unmap_attachment_unlocked(attached[0], sgt, DMA_BIDIRECTIONAL);
}

static void vmap_vunmap(void)
{
	struct iosys_map map;

	need(!dma_buf_vmap_unlocked(used, &map));
	need(!iosys_map_is_null(&map));
	dma_buf_vunmap_unlocked(used, &map);
}

static void begin_end(void)
{
	need(!dma_buf_begin_cpu_access(used, DMA_BIDIRECTIONAL));
	need(!dma_buf_end_cpu_access(used, DMA_BIDIRECTIONAL));
}

const struct bench_op bench_buffer_ops[] = {
	{ "buf-export", 0, export_put },
	{ "buf-get", 0, get_put },
	{ "buf-attach", 0, attach_detach, use_bare_attached, drop_bare_attached },
	{ "buf-map", 1, map_unmap_bare, use_bare_attached, drop_bare_attached },
	{ "buf-map-locked", 1, map_unmap_locked, use_bare_attached, drop_bare_attached },
	{ "buf-map-1", 1, map_unmap, use_entries, detach_many },
	{ "buf-map-64", 64, map_unmap, use_entries, detach_many },
	{ "buf-map-4096", 4096, map_unmap, use_entries, detach_many },
	{ "buf-vmap", 0, vmap_vunmap, use_bare, drop_bare },
	{ "buf-vmap-heap", 0, vmap_vunmap, use_heap },
	{ "buf-cpu", 0, begin_end, use_bare, drop_bare },
	{ "buf-cpu-0", 0, begin_end, use_heap_mapped, drop_heap_mapped },
	{ "buf-cpu-1", 1, begin_end, use_heap_mapped, drop_heap_mapped },
	{ "buf-cpu-8", 8, begin_end, use_heap_mapped, drop_heap_mapped },
	{ }
};
