// SPDX-License-Identifier: GPL-2.0
/*
 * A heap of a C driver that goes with its module, or before: the parameter
 * "present" adds and removes it. For the test program heap_owned.
 */
#include <linux/device.h>
#include <linux/dma-heap-owned.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sysfs.h>

/* An errno that nobody else returns on the way to user space. */
#define OUR_ERROR	(-EXDEV)

#ifdef CONFIG_DMABUF_CORE_RUST
static int second_error;
module_param(second_error, int, 0444);
MODULE_PARM_DESC(second_error, "What adding another heap of that name returned");

static struct dma_heap *heap;

static struct dma_buf *no_buffer(struct dma_heap *h, unsigned long len,
				 u32 fd_flags, u64 heap_flags)
{
	return ERR_PTR(OUR_ERROR);
}

static const struct dma_heap_ops ops = { .allocate = no_buffer };

static int color = 7;

static ssize_t color_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const int *value = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", *value);
}
static DEVICE_ATTR_RO(color);

static struct attribute *our_attrs[] = { &dev_attr_color.attr, NULL };
ATTRIBUTE_GROUPS(our);

static int add(void)
{
	const struct dma_heap_export_info info = {
		.name = "heap_owned",
		.ops = &ops,
		.priv = &color,
	};
	struct dma_heap *new;

	new = dma_heap_add_owned(&info, THIS_MODULE, our_groups);
	if (IS_ERR(new))
		return PTR_ERR(new);
	heap = new;
	second_error = PTR_ERR_OR_ZERO(dma_heap_add_owned(&info, THIS_MODULE, NULL));
	return 0;
}

static void take_away(void)
{
	if (heap)
		dma_heap_remove(heap);
	heap = NULL;
}

/* Writers of parameters are one at a time. */
static int set_present(const char *text, const struct kernel_param *kp)
{
	bool present;
	int ret = kstrtobool(text, &present);

	if (ret)
		return ret;
	if (present == !!heap)
		return -EALREADY;
	if (present)
		return add();
	take_away();
	return 0;
}

static const struct kernel_param_ops present_ops = { .set = set_present };
module_param_cb(present, &present_ops, NULL, 0200);
MODULE_PARM_DESC(present, "Add the heap or remove it");
#else
static int add(void)
{
	return -EOPNOTSUPP;
}

static void take_away(void)
{
}
#endif

static int __init heap_owned_init(void)
{
	return add();
}
module_init(heap_owned_init);

static void __exit heap_owned_exit(void)
{
	take_away();
}
module_exit(heap_owned_exit);

MODULE_DESCRIPTION("A heap of a C driver that goes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF_HEAP");
