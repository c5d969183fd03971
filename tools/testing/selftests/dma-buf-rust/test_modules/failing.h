/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of failing.ko share: failing_main.c tells what it is for. */
#ifndef DMA_BUF_RUST_FAILING_H
#define DMA_BUF_RUST_FAILING_H

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>

/* 0, a descriptor, or an error */
struct failing_call {
	const char *name;
	int (*call)(void);
};

/* Each ends with one that has no name. */
extern const struct failing_call failing_buffers[], failing_fences[];
extern const struct failing_call failing_memory[], failing_heaps[];
/* What drivers should not do: for the test program misuse */
extern const struct failing_call failing_misuse[], failing_misuse_fences[];

/* The number behind the name */
extern int failing_number;
extern struct device *failing_device;

/* The two operations that each exporter has: there is nothing to be mapped. */
struct sg_table *give_no_table(struct dma_buf_attachment *attach,
			       enum dma_data_direction direction);
void take_table(struct dma_buf_attachment *attach, struct sg_table *table,
		enum dma_data_direction direction);
struct dma_buf *failing_buffer(const struct dma_buf_ops *ops);
/* With an attachment of a buffer that cannot be mapped, and of failing_number's, a descriptor's */
int with_attachment(struct device *dev, int (*use)(struct dma_buf_attachment *attach));
int with_given_attachment(int (*use)(struct dma_buf_attachment *attach));

/* Pending, of a context of its own; NULL without memory */
const char *failing_fence_name(struct dma_fence *fence);
extern const struct dma_fence_ops failing_fence_ops;
extern spinlock_t failing_lock;
struct dma_fence *failing_fence(const struct dma_fence_ops *ops, spinlock_t *lock);

int failing_fences_begin(void);
void failing_fences_end(void);
void failing_memory_begin(void);
void failing_memory_end(void);

#endif
