// SPDX-License-Identifier: GPL-2.0
/*
 * Registers dma-buf heaps until there is no room for another, and some that
 * must be refused. The outcome is in the module's parameters, for heap_limit.
 *
 * There is no way to unregister a heap: this module stays until the machine is
 * switched off, so it is the last thing to load in a test run.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#define MAX_TRIES	200
/* An errno that nobody else returns on the way to user space. */
#define OUR_ERROR	(-EXDEV)

static int added;
module_param(added, int, 0444);
MODULE_PARM_DESC(added, "Heaps that were registered before the table was full");

static int full_error;
module_param(full_error, int, 0444);
MODULE_PARM_DESC(full_error, "What registering one more returned");

static int null_name_error;
module_param(null_name_error, int, 0444);
MODULE_PARM_DESC(null_name_error, "What a heap without a name returned");

static int empty_name_error;
module_param(empty_name_error, int, 0444);
MODULE_PARM_DESC(empty_name_error, "What a heap with an empty name returned");

static int null_ops_error;
module_param(null_ops_error, int, 0444);
MODULE_PARM_DESC(null_ops_error, "What a heap without operations returned");

static int no_allocate_error;
module_param(no_allocate_error, int, 0444);
MODULE_PARM_DESC(no_allocate_error, "What a heap that cannot allocate returned");

static int duplicate_error;
module_param(duplicate_error, int, 0444);
MODULE_PARM_DESC(duplicate_error, "What a second heap \"system\" returned");

static bool data_kept = true;
module_param(data_kept, bool, 0444);
MODULE_PARM_DESC(data_kept, "Each heap has the name and data it was given");

static char names[MAX_TRIES][20];

static struct dma_buf *no_buffer(struct dma_heap *heap, unsigned long len,
				 u32 fd_flags, u64 heap_flags)
{
	return ERR_PTR(OUR_ERROR);
}

static const struct dma_heap_ops ops = { .allocate = no_buffer };
static const struct dma_heap_ops empty_ops;

static struct dma_heap *try_add(const char *name, const struct dma_heap_ops *o)
{
	struct dma_heap_export_info info = {
		.name = name,
		.ops = o,
		.priv = (void *)name,
	};

	return dma_heap_add(&info);
}

static int __init heap_limit_init(void)
{
	struct dma_heap *heap;

	null_name_error = PTR_ERR_OR_ZERO(try_add(NULL, &ops));
	empty_name_error = PTR_ERR_OR_ZERO(try_add("", &ops));
	null_ops_error = PTR_ERR_OR_ZERO(try_add("heap_limit_a", NULL));
	no_allocate_error = PTR_ERR_OR_ZERO(try_add("heap_limit_b", &empty_ops));
	duplicate_error = PTR_ERR_OR_ZERO(try_add("system", &ops));

	while (added < MAX_TRIES) {
		char *name = names[added];

		snprintf(name, sizeof(names[0]), "heap_limit_%03d", added);
		heap = try_add(name, &ops);
		if (IS_ERR(heap)) {
			full_error = PTR_ERR(heap);
			break;
		}
		added++;
		if (dma_heap_get_drvdata(heap) != name ||
		    strcmp(dma_heap_get_name(heap), name))
			data_kept = false;
	}
	return 0;
}
module_init(heap_limit_init);

MODULE_DESCRIPTION("Fills the table of dma-buf heaps");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF_HEAP");
