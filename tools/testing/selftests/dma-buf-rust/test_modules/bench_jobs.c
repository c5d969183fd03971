// SPDX-License-Identifier: GPL-2.0
/*
 * Whole jobs: what drivers ask of DMA-BUF for a frame, or while they share.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/iosys-map.h>
#include <linux/scatterlist.h>

#include "bench_calls.h"

#define DEVICES	3

static struct dma_buf_attachment *attached[BENCH_HEAPS][DEVICES];
static u64 contexts[DEVICES];
static u64 seqno;

static void attach_all(unsigned int n)
{
	contexts[0] = dma_fence_context_alloc(DEVICES);
	for (int device = 1; device < DEVICES; device++)
		contexts[device] = contexts[0] + device;
	for (int buf = 0; buf < BENCH_HEAPS; buf++) {
		for (int device = 0; device < DEVICES; device++) {
			attached[buf][device] = dma_buf_attach(bench_buffers[buf], bench_device);
			need(!IS_ERR(attached[buf][device]));
		}
	}
}

static void detach_all(void)
{
	for (int buf = 0; buf < BENCH_HEAPS; buf++) {
		for (int device = 0; device < DEVICES; device++)
			dma_buf_detach(bench_buffers[buf], attached[buf][device]);
	}
}

static struct dma_fence *announce(struct dma_resv *resv, u64 context, enum dma_resv_usage usage)
{
	struct dma_fence *fence = bench_new_fence(context, ++seqno);

	dma_resv_lock(resv, NULL);
	need(!dma_resv_reserve_fences(resv, 1));
	dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
	return fence;
}

/* A camera (videobuf2) fills the buffer, a display (an atomic commit of DRM) reads it. */
static void frame(void)
{
	struct dma_buf *buf = dma_buf_get(bench_buffer_fd);
	struct dma_fence *filled, *before;
	struct sg_table *sgt;
	struct iosys_map map;

	need(!IS_ERR(buf));
	sgt = dma_buf_map_attachment_unlocked(attached[0][0], DMA_FROM_DEVICE);
	need(!IS_ERR(sgt));
	filled = announce(buf->resv, contexts[0], DMA_RESV_USAGE_WRITE);

	/* The display is handed the buffer before it is filled. */
	need(!dma_resv_get_singleton(buf->resv, DMA_RESV_USAGE_WRITE, &before) && before);
	need(!dma_fence_wait_timeout(before, false, 0));
	dma_fence_signal(filled);
	dma_fence_put(filled);
	dma_buf_unmap_attachment_unlocked(attached[0][0], sgt, DMA_FROM_DEVICE);

	need(dma_fence_wait_timeout(before, false, 10) > 0);
	dma_fence_put(before);
	need(!dma_buf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	need(!dma_buf_vmap_unlocked(buf, &map));
	dma_buf_vunmap_unlocked(buf, &map);
	need(!dma_buf_end_cpu_access(buf, DMA_FROM_DEVICE));
	dma_buf_put(buf);
}

static void read_as(int buf, int device)
{
	struct dma_resv *resv = bench_buffers[buf]->resv;
	struct dma_fence *fence;
	struct sg_table *sgt;

	need(dma_resv_wait_timeout(resv, DMA_RESV_USAGE_READ, false, 10) > 0);
	sgt = dma_buf_map_attachment_unlocked(attached[buf][device], DMA_BIDIRECTIONAL);
	need(!IS_ERR(sgt));
	fence = announce(resv, contexts[device], DMA_RESV_USAGE_READ);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	dma_buf_unmap_attachment_unlocked(attached[buf][device], sgt, DMA_BIDIRECTIONAL);
}

/* Each device waits for those before it, reads and says when it is done. */
static void share(void)
{
	for (int buf = 0; buf < BENCH_HEAPS; buf++) {
		for (int device = 0; device < DEVICES; device++)
			read_as(buf, device);
	}
}

const struct bench_op bench_job_ops[] = {
	{ "frame", 0, frame, attach_all, detach_all },
	{ "share", 0, share, attach_all, detach_all },
	{ }
};
