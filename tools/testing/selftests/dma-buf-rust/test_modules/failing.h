/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of failing.ko share: failing_main.c tells what it is for. */
#ifndef DMA_BUF_RUST_FAILING_H
#define DMA_BUF_RUST_FAILING_H

struct device;
struct dma_buf;
struct dma_buf_attachment;

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

struct dma_buf *failing_buffer(void);
int with_attachment(struct device *dev, int (*use)(struct dma_buf_attachment *attach));

int failing_fences_begin(void);
void failing_fences_end(void);
void failing_memory_begin(void);
void failing_memory_end(void);

#endif
