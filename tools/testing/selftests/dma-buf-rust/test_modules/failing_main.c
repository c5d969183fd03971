// SPDX-License-Identifier: GPL-2.0
/*
 * Calls the exported functions that allocate: which one is written to a file of
 * debugfs, with a number behind it where one is needed, so that it is
 * the writer's own calls that fail, and the writer who is told. What it gets is
 * let go again. For the test program fail_each. "too_many" adds fences without
 * room: as the words of failing_misuse*.c, it shows a bug of the C core, and is for the
 * program misuse, which writes it to another file where its warnings are expected.
 */
#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "failing.h"

static const struct failing_call * const tables[] = {
	failing_buffers, failing_fences, failing_memory, failing_heaps,
	failing_misuse, failing_misuse_fences,
};

static struct platform_device *device;
static u64 dma_mask = DMA_BIT_MASK(64);
static struct dentry *dir;

int failing_number = -1;
struct device *failing_device;

static const struct failing_call *call_named(const char *name)
{
	const struct failing_call *call;
	int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (call = tables[i]; call->name; call++)
			if (!strcmp(name, call->name))
				return call;
	return NULL;
}

/* What the last call with warnings has counted */
static u32 warnings;

#if IS_BUILTIN(CONFIG_KUNIT)
/* As KUnit does: warnings are counted, and not printed. -ENOMSG: there was none. */
static int call_with_warnings(const struct failing_call *call)
{
	static struct kunit test;
	struct kunit_suppressed_warning *suppressed;
	int ret;

	kunit_init_test(&test, "failing", NULL);
	static_branch_inc(&kunit_running);
	suppressed = kunit_start_suppress_warning(&test);
	ret = call->call();
	warnings = kunit_suppressed_warning_count(suppressed);
	kunit_end_suppress_warning(&test, suppressed);
	static_branch_dec(&kunit_running);
	kunit_cleanup(&test);
	if (!ret && !warnings)
		return -ENOMSG;
	return ret;
}
#else
static int call_with_warnings(const struct failing_call *call)
{
	return -EOPNOTSUPP;
}
#endif

static int call_plainly(const struct failing_call *call)
{
	return call->call();
}

static ssize_t call_write(struct file *file, const char __user *text, size_t len,
			  loff_t *pos)
{
	int (*how)(const struct failing_call *call) = file->private_data;
	char text_of[64] = "", *number = text_of, *name;
	const struct failing_call *call;
	int ret;

	if (len >= sizeof(text_of))
		return -EINVAL;
	if (copy_from_user(text_of, text, len))
		return -EFAULT;
	/* one call at a time */
	name = strsep(&number, " ");
	if (number && kstrtoint(number, 10, &failing_number))
		return -EINVAL;
	call = call_named(name);
	if (!call)
		return -ENOENT;
	ret = how(call);
	return ret ? ret : len;
}

static const struct file_operations call_file = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = call_write,
};

static int __init failing_init(void)
{
	int ret = failing_fences_begin();

	if (ret)
		return ret;
	device = platform_device_register_simple("failing", PLATFORM_DEVID_NONE,
						 NULL, 0);
	if (IS_ERR(device)) {
		failing_fences_end();
		return PTR_ERR(device);
	}
	device->dev.dma_mask = &dma_mask;
	device->dev.coherent_dma_mask = DMA_BIT_MASK(64);
	failing_device = &device->dev;
	failing_memory_begin();
	dir = debugfs_create_dir("dma_buf_failing", NULL);
	debugfs_create_file("call", 0200, dir, call_plainly, &call_file);
	debugfs_create_u32("warnings", 0400, dir, &warnings);
	debugfs_create_file("call_with_warnings", 0200, dir, call_with_warnings, &call_file);
	return 0;
}
module_init(failing_init);

static void __exit failing_exit(void)
{
	debugfs_remove(dir);
	failing_memory_end();
	platform_device_unregister(device);
	failing_fences_end();
	/* who still looks at the names of one does so under RCU */
	synchronize_rcu();
}
module_exit(failing_exit);

MODULE_DESCRIPTION("Calls what allocates");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("DMA_BUF_HEAP");
