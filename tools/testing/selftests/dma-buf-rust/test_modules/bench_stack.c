// SPDX-License-Identifier: GPL-2.0
/*
 * How deep an ioctl goes.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "bench_calls.h"
#include "stack_depth.h"

static int depth;

/* FD COMMAND ARGUMENT, of who writes it */
static int set_ioctl(const char *text, const struct kernel_param *kp)
{
	unsigned long here = current_stack_pointer, arg;
	unsigned long *top = (unsigned long *)(here - STACK_MARGIN);
	unsigned int fd, command;
	struct file *file;
	long ret;

	if (sscanf(text, "%u %u %lu", &fd, &command, &arg) != 3)
		return -EINVAL;
	file = fget(fd);
	if (!file || !file->f_op->unlocked_ioctl) {
		if (file)
			fput(file);
		return -EBADF;
	}
	stack_fill(top, STACK_PATTERN);
	ret = file->f_op->unlocked_ioctl(file, command, arg);
	depth = here - (unsigned long)stack_deepest(top);
	fput(file);
	return ret < 0 ? ret : 0;
}

static const struct kernel_param_ops ioctl_ops = {
	.set = set_ioctl,
};
module_param_cb(ioctl, &ioctl_ops, NULL, 0200);
MODULE_PARM_DESC(ioctl, "Do this ioctl");

module_param(depth, int, 0444);
MODULE_PARM_DESC(depth, "How many bytes of stack the last one took");
