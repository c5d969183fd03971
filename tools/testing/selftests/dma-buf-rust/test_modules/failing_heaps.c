// SPDX-License-Identifier: GPL-2.0
/* Heaps of failing.ko */
#include <linux/bug.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-heap-owned.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>

#include "failing.h"

static struct dma_buf *no_buffer(struct dma_heap *heap, unsigned long len,
				 u32 fd_flags, u64 heap_flags)
{
	return ERR_PTR(-ENOMEM);
}

static const struct dma_heap_ops heap_ops = { .allocate = no_buffer };

#ifdef CONFIG_DMABUF_HEAPS_RUST
static struct dma_heap *add_heap(const struct dma_heap_export_info *info)
{
	return dma_heap_add_owned(info, THIS_MODULE, NULL);
}

static void remove_heap(struct dma_heap *heap)
{
	dma_heap_remove(heap);
}

static const struct dma_heap_export_info heap_info = {
	.name = "failing",
	.ops = &heap_ops,
};

static int call_heap(void)
{
	struct dma_heap *heap = add_heap(&heap_info);

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	remove_heap(heap);
	return 0;
}

/* A heap that is added so stays for ever, were there not another one of its name. */
static int call_same_heap(void)
{
	struct dma_heap *heap = add_heap(&heap_info);
	struct dma_heap *same;

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	same = dma_heap_add(&heap_info);
	remove_heap(heap);
	if (WARN_ON(!IS_ERR(same))) {
		/* it stays, and with it this module */
		__module_get(THIS_MODULE);
		return -EBADE;
	}
	return PTR_ERR(same) == -EEXIST ? 0 : PTR_ERR(same);
}
#else
static struct dma_heap *add_heap(const struct dma_heap_export_info *info)
{
	return dma_heap_add(info);
}

/* It stays, and with it this module. */
static void remove_heap(struct dma_heap *heap)
{
	__module_get(THIS_MODULE);
}

static int call_heap(void)
{
	/* C has no heaps that can be removed, and sysfs a word for two of a name. */
	return -ENODEV;
}

#define call_same_heap call_heap
#endif

/* A name that is another one if it is taken for a format */
#define FORMAT	"failing%%x"

static const struct dma_heap_export_info format_info = {
	.name = FORMAT,
	.ops = &heap_ops,
};

/* With C it stays, and with it this module. -ENOENT: the device has another name. */
static int call_heap_format(void)
{
	struct dma_heap *heap = add_heap(&format_info);
	struct path path;
	int ret;

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	ret = kern_path("/dev/dma_heap/" FORMAT, 0, &path);
	if (!ret)
		path_put(&path);
	remove_heap(heap);
	return ret;
}

/* -EEXIST: there is one of this name. C frees what somebody may have opened meanwhile. */
static int call_heap_again(void)
{
	static const struct dma_heap_export_info info = { .name = "system", .ops = &heap_ops };
	struct dma_heap *heap = dma_heap_add(&info);

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	/* it stays, and with it this module */
	__module_get(THIS_MODULE);
	return 0;
}

const struct failing_call failing_heaps[] = {
	{ "dma_heap_add_owned", call_heap },
	{ "dma_heap_add", call_same_heap },
	{ "heap_format", call_heap_format },
	{ "heap_again", call_heap_again },
	{ }
};
