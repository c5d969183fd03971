/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Heaps that can be taken away again. Only the implementation of DMA-BUF in
 * Rust has them: what calls these functions depends on CONFIG_DMABUF_CORE_RUST,
 * and imports the namespace DMA_BUF_HEAP.
 */
#ifndef _LINUX_DMA_HEAP_OWNED_H
#define _LINUX_DMA_HEAP_OWNED_H

#include <linux/dma-heap.h>

struct attribute_group;
struct module;

/**
 * dma_heap_add_owned() - add a heap that can be removed
 * @exp_info:	what dma_heap_add() takes
 * @owner:	the module that the heap's code and data are in, or NULL
 * @groups:	files of the heap's device in sysfs, or NULL. What to say there of
 *		its buffers is in Documentation/ABI/testing/sysfs-class-dma_heap
 *
 * An open file of the heap holds a reference to @owner. While @owner is being
 * unloaded, opening fails with -ENODEV.
 *
 * Functions of @groups find what the heap was added with, the private data of
 * @exp_info, by dev_get_drvdata() of the device. They may be called before
 * this returns, must not add or remove heaps, and are not called any more when
 * dma_heap_remove() returns.
 *
 * Context: May sleep.
 * Return: The heap, to be given to dma_heap_remove() by whoever added it, or
 * an error pointer as that of dma_heap_add().
 */
struct dma_heap *dma_heap_add_owned(const struct dma_heap_export_info *exp_info,
				    struct module *owner,
				    const struct attribute_group **groups);

/**
 * dma_heap_remove() - take a heap away
 * @heap:	what dma_heap_add_owned() has returned; not to be used after this
 *
 * The device node goes first. From then on allocating from files that are
 * still open fails with -ENODEV, and the name is free. Allocations that are
 * under way are waited for. When this returns, nothing of what the heap was
 * added with is used any more. Buffers of the heap are not concerned.
 *
 * Context: Sleeps. Not to be called while the heap allocates.
 */
void dma_heap_remove(struct dma_heap *heap);

#endif /* _LINUX_DMA_HEAP_OWNED_H */
