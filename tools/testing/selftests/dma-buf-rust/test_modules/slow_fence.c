// SPDX-License-Identifier: GPL-2.0
/*
 * A fence that takes long to be signalled: somebody waits for it who has much to
 * do then. For the test program sw_sync_order.
 */
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sync_file.h>

/* Interrupts are disabled meanwhile. */
#define LONGEST_MS	1000

static bool signalling;
module_param(signalling, bool, 0444);
MODULE_PARM_DESC(signalling, "Whether it is being signalled");

static bool go_on;
module_param(go_on, bool, 0644);
MODULE_PARM_DESC(go_on, "Ends that; it ends by itself after a second");

static struct dma_fence *fence;
static struct dma_fence_cb callback;

static void be_slow(struct dma_fence *f, struct dma_fence_cb *cb)
{
	const ktime_t end = ktime_add_ms(ktime_get(), LONGEST_MS);

	WRITE_ONCE(signalling, true);
	while (!READ_ONCE(go_on) && ktime_before(ktime_get(), end))
		cpu_relax();
	WRITE_ONCE(signalling, false);
}

static int set_fd(const char *text, const struct kernel_param *param)
{
	int fd, ret;

	ret = kstrtoint(text, 0, &fd);
	if (ret)
		return ret;
	if (fence)
		return -EBUSY;
	fence = sync_file_get_fence(fd);
	if (!fence)
		return -EBADF;
	ret = dma_fence_add_callback(fence, &callback, be_slow);
	if (ret) {
		dma_fence_put(fence);
		fence = NULL;
	}
	return ret;
}

static const struct kernel_param_ops fd_ops = { .set = set_fd };
module_param_cb(fd, &fd_ops, NULL, 0200);
MODULE_PARM_DESC(fd, "The sync_file of the fence, once");

static void __exit slow_fence_exit(void)
{
	if (!fence)
		return;
	dma_fence_remove_callback(fence, &callback);
	dma_fence_put(fence);
}
module_exit(slow_fence_exit);

static int __init slow_fence_init(void)
{
	return 0;
}
module_init(slow_fence_init);

MODULE_DESCRIPTION("A fence that takes long to be signalled");
MODULE_LICENSE("GPL");
